import { z } from "zod";
import type { RolloutView } from "../../core/status/rollouts.ts";
import { Instant } from "./common.ts";
import { viewOf } from "./view.ts";

export const RolloutShape = viewOf<RolloutView>()(
  "RolloutView",
  z.object({
    group: z.string(),
    state: z.enum(["stable", "trying", "refused"]),
    stable: z.string().nullable(),
    candidate: z
      .object({
        digest: z.string(),
        revision: z.string(),
        since: Instant,
        canaries: z.array(z.string()),
      })
      .nullable(),
    refused: z
      .object({
        digest: z.string(),
        revision: z.string(),
        at: Instant,
        reason: z.string(),
        reverted: z.array(z.string()),
      })
      .nullable(),
    turns: z.array(
      z.object({
        at: Instant,
        type: z.enum(["begun", "canary", "stable", "refused", "superseded", "withdrawn"]),
        digest: z.string(),
        message: z.string(),
      }),
    ),
  }),
);
