import { z } from "zod";
import { BUDGET_FIELDS, DECISION_TYPES } from "../../../core/model/request.ts";
import {
  ACTIONS_DEFAULT,
  ACTIONS_MAX,
  JOURNAL_EVENTS_DEFAULT,
  JOURNAL_EVENTS_MAX,
  LETTER_ID_CHARS_MAX,
  LOG_BYTES_DEFAULT,
  LOG_BYTES_MAX,
  MESSAGE_CHARS_MAX,
  NAME_CHARS_MAX,
  REASON_CHARS_MAX,
} from "../limits.ts";
import { components } from "./answer.ts";

/** More criteria than a contract can have. */
const CRITERIA_MAX = 1_000;

/** A number in a query string. */
function count(min: number, max: number) {
  return z.coerce.number().pipe(z.int().min(min).max(max));
}

const Name = z.string().min(1).max(NAME_CHARS_MAX);
const Reason = z.string().max(REASON_CHARS_MAX).default("");
const Commit = z
  .string()
  .regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/)
  .meta({ description: "A full commit id." });

export const nameParams = z.strictObject({ name: Name });

export const journalQuery = z.strictObject({
  clone: Name.optional(),
  mission_id: Name.optional(),
  after_seq: count(0, Number.MAX_SAFE_INTEGER).optional(),
  last: count(1, JOURNAL_EVENTS_MAX).optional(),
  limit: count(1, JOURNAL_EVENTS_MAX)
    .optional()
    .meta({ description: `${JOURNAL_EVENTS_DEFAULT}, or \`last\` where that is given.` }),
});

export const actionsQuery = z.strictObject({ limit: count(1, ACTIONS_MAX).default(ACTIONS_DEFAULT) });

export const logsQuery = z.strictObject({ bytes: count(1, LOG_BYTES_MAX).default(LOG_BYTES_DEFAULT) });

export const holdBody = z.strictObject({ reason: Reason });
export const pauseBody = z.strictObject({
  reason: Reason,
  until: z
    .int()
    .positive()
    .optional()
    .meta({ description: "Milliseconds since 1970, UTC: it goes on by itself then." }),
});
export const killBody = z.strictObject({
  reason: Reason,
  now: z.boolean().default(false).meta({ description: "Skip the polite rungs of the ladder." }),
});
export const messageBody = z.strictObject({
  text: z
    .string()
    .min(1)
    .max(MESSAGE_CHARS_MAX)
    .meta({ description: "What the agent finds on its standard input." }),
});
export const switchScope = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("fleet") }),
  z.strictObject({ type: z.literal("label"), key: Name, value: z.string().max(NAME_CHARS_MAX) }),
  z.strictObject({ type: z.literal("mission"), name: Name }),
]);
export const switchBody = z.strictObject({ scope: switchScope, reason: Reason });
export const switchReleaseBody = z.strictObject({ scope: switchScope.optional(), reason: Reason });
export const closureBody = z.strictObject({
  decision: z.enum(["retire", "standby", "template"]),
  reason: Reason,
});
export const decideBody = z
  .strictObject({
    decision: z.enum(DECISION_TYPES),
    budget: z
      .partialRecord(z.enum(BUDGET_FIELDS), z.number().positive().max(Number.MAX_SAFE_INTEGER))
      .optional()
      .meta({ description: "With `raise`, and only with it: the new limits." }),
    reason: Reason,
  })
  .refine((body) => (body.decision === "raise") === (body.budget !== undefined), {
    message: "`budget` comes with the decision `raise`, and only with it",
  });
export const reviewBody = z.strictObject({
  criteria: z
    .array(z.strictObject({ id: Name, met: z.boolean() }))
    .min(1)
    .max(CRITERIA_MAX),
  reason: Reason.meta({ description: "A note, kept with the word." }),
});
export const trendsQuery = z.strictObject({
  since: count(0, Number.MAX_SAFE_INTEGER).meta({ description: "Milliseconds since 1970, UTC." }),
});
export const emptyBody = z.strictObject({});
export const rewriteBody = z.strictObject({ from: Commit, to: Commit });

export const replayBody = z.strictObject({
  id: z
    .string()
    .min(1)
    .max(LETTER_ID_CHARS_MAX)
    .optional()
    .meta({ description: "Of a dead letter, or of its notice. Absent: all of them." }),
});

for (const [id, schema] of Object.entries({
  HoldRequest: holdBody,
  PauseRequest: pauseBody,
  KillRequest: killBody,
  KillSwitchRequest: switchBody,
  KillSwitchReleaseRequest: switchReleaseBody,
  MessageRequest: messageBody,
  ClosureRequest: closureBody,
  DecideRequest: decideBody,
  ReviewRequest: reviewBody,
  EmptyRequest: emptyBody,
  RewriteRequest: rewriteBody,
  ReplayRequest: replayBody,
})) {
  components.add(schema, { id });
}
