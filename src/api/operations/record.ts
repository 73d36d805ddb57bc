/** What is on record: events, the effect ledger, transcripts. */
import { z } from "zod";
import { ActionShape } from "../views/actions.ts";
import { RecordedEventShape } from "../views/journal.ts";
import { count, Name, Subject } from "./inputs.ts";
import { look } from "./operation.ts";

export const JOURNAL_EVENTS_MAX = 1_000;
export const JOURNAL_EVENTS_DEFAULT = 100;
/** Rows of the effect ledger in one answer: all that a mission may have. */
export const ACTIONS_MAX = 10_000;
const ACTIONS_DEFAULT = 200;
export const LOG_BYTES_MAX = 1024 * 1024;
const LOG_BYTES_DEFAULT = 64 * 1024;

export const recordOperations = {
  events: look({
    summary: "Lists recorded events with their hashes, ascending by seq.",
    path: "/v1/events",
    input: z.strictObject({
      clone: Name.optional(),
      of: z.enum(["fleet"]).optional().meta({ description: "Only what happened to the fleet as a whole." }),
      mission_id: Name.optional(),
      after_seq: count(0, Number.MAX_SAFE_INTEGER).optional(),
      last: count(1, JOURNAL_EVENTS_MAX).optional().meta({ description: "The newest so many." }),
      limit: count(1, JOURNAL_EVENTS_MAX)
        .optional()
        .meta({ description: `${JOURNAL_EVENTS_DEFAULT}, or \`last\` where that is given.` }),
    }),
    output: z.object({ events: z.array(RecordedEventShape) }),
  }),
  actions: look({
    summary: "Lists the effect ledger of a mission: every action that it claimed, oldest first.",
    path: "/v1/subjects/{name}/actions",
    input: z.strictObject({ name: Subject, limit: count(1, ACTIONS_MAX).default(ACTIONS_DEFAULT) }),
    output: z.object({ actions: z.array(ActionShape) }),
    absent: "mission",
  }),
  logs: look({
    summary: "Shows the end of the newest instance's transcript, redacted.",
    path: "/v1/subjects/{name}/logs",
    input: z.strictObject({ name: Subject, bytes: count(1, LOG_BYTES_MAX).default(LOG_BYTES_DEFAULT) }),
    output: z.object({ text: z.string() }),
    absent: "transcript of",
  }),
};
