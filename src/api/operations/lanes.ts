/** What people order for one mission or clone. */
import { z } from "zod";
import { Moment, Name, Reason, Subject } from "./inputs.ts";
import { order } from "./operation.ts";

/** A message to an agent; as many as the core keeps of it. */
export const MESSAGE_CHARS_MAX = 2_000;
/** More criteria than a contract can have. */
const CRITERIA_MAX = 1_000;

export const laneOperations = {
  pause: order({
    summary: "Places an operator's hold: the agent is frozen, not ended.",
    path: "/v1/subjects/{name}/pause",
    input: z.strictObject({
      name: Subject,
      reason: Reason,
      until: Moment.positive().optional().meta({
        description: "Milliseconds since 1970, UTC: it goes on by itself then, if nothing else holds it.",
      }),
    }),
  }),
  resume: order({
    summary: "Releases the holds that an operator may release.",
    path: "/v1/subjects/{name}/resume",
    input: z.strictObject({ name: Subject, reason: Reason }),
  }),
  kill: order({
    summary:
      "Ends a mission and its instance. Answered once that is recorded; the views show the proof of death.",
    path: "/v1/subjects/{name}/kill",
    input: z.strictObject({
      name: Subject,
      reason: Reason,
      now: z.boolean().default(false).meta({ description: "Skip the polite rungs of the ladder." }),
    }),
  }),
  message: order({
    summary: "Says something to the agent of a mission: now, or as soon as it runs.",
    path: "/v1/subjects/{name}/message",
    input: z.strictObject({
      name: Subject,
      text: z
        .string()
        .min(1)
        .max(MESSAGE_CHARS_MAX)
        .meta({ description: "What the agent finds on its standard input." }),
    }),
  }),
  decideClosure: order({
    summary: "Decides what becomes of the clone of a closed mission.",
    path: "/v1/subjects/{name}/closure",
    access: "approver",
    input: z.strictObject({
      name: Subject,
      reason: Reason,
      decision: z.enum(["retire", "standby", "template"]),
    }),
  }),
  review: order({
    summary: "Records a person's judgement on criteria of a closed mission that no program judges.",
    path: "/v1/subjects/{name}/review",
    access: "approver",
    input: z.strictObject({
      name: Subject,
      reason: Reason.meta({ description: "A note, kept with the judgement." }),
      criteria: z
        .array(z.strictObject({ id: Name, met: z.boolean() }))
        .min(1)
        .max(CRITERIA_MAX),
    }),
  }),
};
