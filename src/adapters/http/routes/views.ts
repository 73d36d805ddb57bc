import type { z } from "zod";
import type { ControlPlane } from "../../../ports/control-plane.ts";
import type { EventQuery } from "../../../ports/store.ts";
import { JOURNAL_EVENTS_DEFAULT } from "../limits.ts";
import { HttpProblem } from "../problem.ts";
import type { Answer, Call, Route } from "../route.ts";
import { inboxSchema, journalSchema } from "../schema/answer.ts";
import { journalQuery, logsQuery, nameParams, trendsQuery } from "../schema/request.ts";
import {
  cloneViewSchema,
  fleetViewSchema,
  guardrailsViewSchema,
  missionViewSchema,
  rolloutsSchema,
  trendsSchema,
  whyViewSchema,
} from "../schema/view.ts";

/** What people look at. */
export function viewRoutes(plane: ControlPlane): readonly Route[] {
  return [
    {
      ...look("/v1/fleet", "getFleet", "The whole fleet: source, missions, clones, what is held and why."),
      answers: { 200: { description: "The fleet", schema: fleetViewSchema } },
      handle: () => ({ status: 200, body: plane.fleet() }),
    },
    {
      ...look("/v1/missions/:name", "getMission", "One mission."),
      params: nameParams,
      answers: { 200: { description: "The mission", schema: missionViewSchema } },
      handle: (call) => found(plane.mission(nameOf(call)), "mission", call),
    },
    {
      ...look("/v1/clones/:name", "getClone", "One clone."),
      params: nameParams,
      answers: { 200: { description: "The clone", schema: cloneViewSchema } },
      handle: (call) => found(plane.clone(nameOf(call)), "clone", call),
    },
    {
      ...look(
        "/v1/why/:name",
        "getWhy",
        "Why a mission or a clone runs or does not: every gate and hold with its evidence.",
      ),
      params: nameParams,
      answers: { 200: { description: "The explanation", schema: whyViewSchema } },
      handle: async (call) => found(await plane.why(nameOf(call)), "mission or clone", call),
    },
    {
      ...look(
        "/v1/guardrails",
        "getGuardrails",
        "What the fleet measures against what it is allowed, and whether it is rolled back.",
      ),
      answers: { 200: { description: "The guardrails", schema: guardrailsViewSchema } },
      handle: () => ({ status: 200, body: plane.guardrails() }),
    },
    {
      ...look(
        "/v1/scorecards",
        "getScorecards",
        "Closed missions since then, all together, beside the same stretch of time before.",
      ),
      query: trendsQuery,
      answers: { 200: { description: "The trends", schema: trendsSchema } },
      handle: ({ query }) => ({
        status: 200,
        body: plane.scorecards((query as z.output<typeof trendsQuery>).since),
      }),
    },
    {
      ...look("/v1/rollouts", "getRollouts", "How far changed overlays and baselines have come, by group."),
      answers: { 200: { description: "The rollouts", schema: rolloutsSchema } },
      handle: () => ({ status: 200, body: { rollouts: plane.rollouts() } }),
    },
    {
      ...look("/v1/inbox", "getInbox", "What waits for a person."),
      answers: { 200: { description: "The inbox, most urgent first", schema: inboxSchema } },
      handle: () => ({ status: 200, body: { items: plane.inbox() } }),
    },
    {
      ...look("/v1/journal", "getJournal", "Recorded events with their hashes, ascending by seq."),
      query: journalQuery,
      answers: { 200: { description: "The events", schema: journalSchema } },
      handle: async ({ query }) => {
        const events = await plane.events(eventQuery(query as z.output<typeof journalQuery>));
        return { status: 200, body: { events } };
      },
    },
    {
      ...look("/v1/logs/:name", "getLogs", "The end of the newest instance's transcript, redacted."),
      params: nameParams,
      query: logsQuery,
      answers: { 200: { description: "The transcript", contentType: TEXT } },
      handle: async (call) => {
        const { bytes } = call.query as z.output<typeof logsQuery>;
        const text = await plane.logs(nameOf(call), bytes);
        return { ...found(text, "transcript of", call), contentType: TEXT };
      },
    },
  ];
}

const TEXT = "text/plain; charset=utf-8";

function look(
  path: string,
  operation: string,
  summary: string,
): Pick<Route, "method" | "path" | "operation" | "summary" | "access"> {
  return { method: "GET", path, operation, summary, access: "operator" };
}

export function nameOf({ params }: Call): string {
  return (params as z.output<typeof nameParams>).name;
}

function found(value: unknown, what: string, call: Call): Answer {
  if (value !== null) return { status: 200, body: value };
  throw new HttpProblem("not_found", `there is no ${what} ${nameOf(call)}`);
}

function eventQuery(query: z.output<typeof journalQuery>): EventQuery {
  const { clone, mission_id: missionId, after_seq: afterSeq, last, limit } = query;
  return {
    ...(clone === undefined ? {} : { clone }),
    ...(missionId === undefined ? {} : { missionId }),
    ...(afterSeq === undefined ? {} : { afterSeq }),
    ...(last === undefined ? {} : { last }),
    // Asked for the newest 500, nobody means the newest 100 of them.
    limit: limit ?? last ?? JOURNAL_EVENTS_DEFAULT,
  };
}
