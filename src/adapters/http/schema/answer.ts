import { z } from "zod";
import { WireClaim, WireClaimAnswer, WireCompletion, WireCompletionAnswer } from "../../../api/action.ts";
import { WireEvent } from "../../../api/event.ts";
import { WireHeartbeat } from "../../../api/heartbeat.ts";
import { cloudEventSchema } from "../cloud-event.ts";
import { actionRowSchema, actionsSchema } from "./action.ts";
import {
  cloneViewSchema,
  conditionSchema,
  deadLetterSchema,
  fleetViewSchema,
  holdSchema,
  inboxItemSchema,
  issueSchema,
  missionViewSchema,
  requestViewSchema,
  scorecardSchema,
  whyViewSchema,
} from "./view.ts";

export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  errors: z
    .array(
      z.object({
        field: z.string(),
        message: z.string(),
        found: z.string().exactOptional(),
        expected: z.string().exactOptional(),
      }),
    )
    .exactOptional(),
});

export const ingestAnswerSchema = z.object({ key: z.string(), status: z.int(), message: z.string() });
export const ingestAnswersSchema = z.array(ingestAnswerSchema);
export const doneSchema = z.object({ message: z.string() });
export const inboxSchema = z.object({ items: z.array(inboxItemSchema) });
export const deadLettersSchema = z.object({ letters: z.array(deadLetterSchema) });
export const livenessSchema = z.object({ status: z.literal("ok") });
export const readinessSchema = z.object({ ready: z.boolean(), checks: z.record(z.string(), z.string()) });
export const documentSchema = z.record(z.string(), z.unknown());

export const storedEventSchema = z.object({
  seq: z.int(),
  at: z.number(),
  clone: z.string(),
  missionId: z.string().nullable(),
  event: z.looseObject({ type: z.string() }),
  hash: z.string(),
  prevHash: z.string(),
});
export const journalSchema = z.object({ events: z.array(storedEventSchema) });

export const eventDataSchema = z.union([WireEvent, WireHeartbeat]);
export const structuredEventSchema = cloudEventSchema.extend({ data: eventDataSchema });
export const eventBatchSchema = z.array(structuredEventSchema);

/** What `openapi.json` calls by name. */
export const components = z.registry<{ id: string }>();
const NAMED: Readonly<Record<string, z.ZodType>> = {
  Problem: problemSchema,
  IngestAnswer: ingestAnswerSchema,
  IngestAnswers: ingestAnswersSchema,
  Done: doneSchema,
  ActionRow: actionRowSchema,
  Actions: actionsSchema,
  ActionClaim: WireClaim,
  ActionDecision: WireClaimAnswer,
  ActionCompletion: WireCompletion,
  ActionRecorded: WireCompletionAnswer,
  Inbox: inboxSchema,
  InboxItem: inboxItemSchema,
  RequestView: requestViewSchema,
  DeadLetter: deadLetterSchema,
  DeadLetters: deadLettersSchema,
  Liveness: livenessSchema,
  Readiness: readinessSchema,
  Document: documentSchema,
  StoredEvent: storedEventSchema,
  Journal: journalSchema,
  MissionEvent: WireEvent,
  Heartbeat: WireHeartbeat,
  EventData: eventDataSchema,
  CloudEvent: structuredEventSchema,
  CloudEventBatch: eventBatchSchema,
  Hold: holdSchema,
  Condition: conditionSchema,
  Scorecard: scorecardSchema,
  MissionView: missionViewSchema,
  CloneView: cloneViewSchema,
  Issue: issueSchema,
  FleetView: fleetViewSchema,
  WhyView: whyViewSchema,
};
for (const [id, schema] of Object.entries(NAMED)) components.add(schema, { id });
