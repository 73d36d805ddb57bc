/** What concerns the whole fleet: the kill switch, the source, notices that could not be delivered. */
import { z } from "zod";
import { DeadLetterShape } from "../views/dead-letters.ts";
import { KillSwitchShape, ScopeShape } from "../views/kill-switch.ts";
import { Commit, Reason } from "./inputs.ts";
import { look, order } from "./operation.ts";

/** Of a dead letter: a notice, a slash and the name of a destination. */
const LETTER_ID_CHARS_MAX = 200;

export const fleetOperations = {
  killSwitch: look({
    summary: "Shows what the kill switch covers, who engaged it, and who released what.",
    path: "/v1/kill-switch",
    output: KillSwitchShape,
  }),
  engageKillSwitch: order({
    summary:
      "Ends everything that the scope covers and lets nothing of it start. Does not wait for the record.",
    path: "/v1/kill-switch/engage",
    input: z.strictObject({ scope: ScopeShape, reason: Reason }),
  }),
  releaseKillSwitch: order({
    summary:
      "Lets the scope start again; without a scope, everything that people engaged. What was ended stays cancelled.",
    path: "/v1/kill-switch/release",
    access: "approver",
    input: z.strictObject({ scope: ScopeShape.optional(), reason: Reason }),
  }),
  reconcile: order({
    summary: "Looks at the repository at once; answered when that pass is over.",
    path: "/v1/reconcile",
  }),
  allowRewrite: order({
    summary: "Accepts one rewritten history, named by both commits.",
    path: "/v1/source/allow-rewrite",
    access: "admin",
    input: z.strictObject({ from: Commit, to: Commit }),
  }),
  deadLetters: look({
    summary: "Lists what could not be delivered and is not tried again by itself, oldest first.",
    path: "/v1/dead-letters",
    output: z.object({ letters: z.array(DeadLetterShape) }),
  }),
  replayDeadLetters: order({
    summary: "Sends one of them, or all, once more under its old id. Answered once that is recorded.",
    path: "/v1/dead-letters/replay",
    input: z.strictObject({
      id: z
        .string()
        .min(1)
        .max(LETTER_ID_CHARS_MAX)
        .optional()
        .meta({ description: "Of a dead letter, or of its notice. Absent: all of them." }),
    }),
  }),
};
