/** Parts that several views share. */
import { z } from "zod";
import { CONDITION_TYPES, type Condition } from "../../core/model/condition.ts";
import type { Hold } from "../../core/model/hold.ts";
import { viewOf } from "./view.ts";

export const Instant = z.number().meta({ description: "Milliseconds since 1970, UTC." });
/** Milliseconds. */
export const Span = z.number();

export const OutcomeName = z.enum(["accepted", "rejected", "pending", "ignored", "unknown"]);

export const PhaseName = z.enum([
  "Pending",
  "Preparing",
  "Starting",
  "Running",
  "Paused",
  "Blocked",
  "Recovering",
  "Closing",
  "Completed",
  "Failed",
  "Cancelled",
  "TimedOut",
]);

export const HoldShape = viewOf<Hold>()(
  "Hold",
  z.object({
    kind: z.enum([
      "operator",
      "budget",
      "approval",
      "freeze",
      "quarantine",
      "window",
      "throttle",
      "rollout",
      "stuck",
      "gate",
    ]),
    owner: z.string(),
    since: Instant,
    reason: z.string(),
    message: z.string(),
    evidence: z.string().exactOptional(),
    clear_by: z.enum(["operator", "decision", "repository", "supervisor", "anyone"]),
    until: Instant.exactOptional(),
  }),
);

export const ConditionShape = viewOf<Condition>()(
  "Condition",
  z.object({
    type: z.enum(CONDITION_TYPES),
    status: z.enum(["True", "False", "Unknown"]),
    reason: z.string(),
    message: z.string(),
    since: Instant,
    observed_generation: z.int(),
    observed_commit: z.string().nullable(),
  }),
);
