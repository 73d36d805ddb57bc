import { z } from "zod";
import type { WhyView } from "../../core/status/view.ts";
import { Instant } from "./common.ts";
import { viewOf } from "./view.ts";

export const WhyShape = viewOf<WhyView>()(
  "WhyView",
  z.object({
    subject: z.string(),
    kind: z.enum(["mission", "clone"]),
    runs: z.boolean(),
    headline: z.string(),
    steps: z.array(
      z.object({
        step: z.string(),
        name: z.string(),
        ok: z.boolean().nullable(),
        reason: z.string(),
        evidence: z.string(),
        since: Instant.nullable(),
        next: z.string().nullable(),
      }),
    ),
    provenance: z.record(z.string(), z.string()),
    recent: z.array(z.object({ at: Instant, type: z.string(), text: z.string() })),
  }),
);
