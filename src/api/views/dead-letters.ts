import { z } from "zod";
import type { DeadLetterView } from "../../core/status/callbacks.ts";
import { Instant } from "./common.ts";
import { viewOf } from "./view.ts";

export const DeadLetterShape = viewOf<DeadLetterView>()(
  "DeadLetter",
  z.object({
    id: z.string(),
    from: z.enum(["controller", "shim"]),
    destination: z.string(),
    kind: z.string(),
    subject: z.string(),
    mission: z.string().nullable(),
    since: Instant,
    reason: z.string(),
    problem: z.string().nullable(),
    attempts: z.int(),
  }),
);
