/** What is on record: events, the effect ledger, transcripts, outputs. */
import { z } from "zod";
import { RELATIVE_PATH_CHARS_MAX } from "../../core/model/relative-path.ts";
import { OUTPUT_STATES, type OutputsView } from "../../core/status/outputs.ts";
import { ActionShape } from "../views/actions.ts";
import { OutcomeName } from "../views/common.ts";
import { RecordedEventShape } from "../views/journal.ts";
import { viewOf } from "../views/view.ts";
import { count, Name, Subject } from "./inputs.ts";
import { look } from "./operation.ts";

export const JOURNAL_EVENTS_MAX = 1_000;
export const JOURNAL_EVENTS_DEFAULT = 100;
/** Rows of the effect ledger in one answer: all that a mission may have. */
export const ACTIONS_MAX = 10_000;
const ACTIONS_DEFAULT = 200;
export const LOG_BYTES_MAX = 1024 * 1024;
const LOG_BYTES_DEFAULT = 64 * 1024;
/** Of an output in one answer, as base64; a larger output takes several. */
export const OUTPUT_PART_BYTES_MAX = 1024 * 1024;

const Run = count(1, Number.MAX_SAFE_INTEGER);

const OutputsShape = viewOf<OutputsView>()(
  "OutputsView",
  z.object({
    mission: z.string(),
    mission_id: z.string(),
    run: z.int(),
    clone: z.string(),
    outcome: OutcomeName.nullable(),
    kept_at: z.string().nullable().meta({ description: "Folder on the controller's machine." }),
    other_runs: z.array(z.int()),
    outputs: z.array(
      z.object({
        path: z.string(),
        required: z.boolean(),
        state: z.enum(OUTPUT_STATES).meta({ description: "`kept`: `output` hands it out." }),
        bytes: z.int().nullable(),
        sha256: z.string().nullable(),
        media_type: z.string(),
        status_path: z.string().nullable().meta({
          description: "Where it stands on the status branch, or is about to stand.",
        }),
        problems: z.array(z.string()),
      }),
    ),
  }),
);

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
  outputs: look({
    summary:
      "Lists what a mission handed in, and of what a copy is kept: of the newest judged run, or of one.",
    path: "/v1/subjects/{name}/outputs",
    input: z.strictObject({ name: Subject, run: Run.optional() }),
    output: OutputsShape,
    absent: "run of",
  }),
  output: look({
    summary: "Hands out part of an output that was kept, as it was when it was judged.",
    path: "/v1/subjects/{name}/output",
    input: z.strictObject({
      name: Subject,
      run: Run,
      path: z.string().min(1).max(RELATIVE_PATH_CHARS_MAX).meta({ description: "As the contract names it." }),
      from: count(0, Number.MAX_SAFE_INTEGER).default(0).meta({ description: "The first byte." }),
      count: count(1, OUTPUT_PART_BYTES_MAX).default(OUTPUT_PART_BYTES_MAX),
    }),
    output: z.object({
      bytes: z.int().meta({ description: "Of the whole output." }),
      sha256: z.string().meta({ description: "Of the whole output." }),
      content: z.base64().meta({ description: "The part; empty behind the end." }),
    }),
    absent: "kept output of that run of",
  }),
};
