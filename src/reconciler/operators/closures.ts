/** What people decide about missions that are closed: reviews, and what becomes of the clone. */

import { templateConditions } from "../../core/clone/closing/template.ts";
import { operator } from "../../core/model/actor.ts";
import type { CloneState, ClosedMission } from "../../core/model/clone-state.ts";
import type { CloneEvent } from "../../core/model/event.ts";
import type { ControlAnswer, ControlRequest, ReviewRequest } from "../../ports/control-plane.ts";
import type { Recorder } from "../record/recorder.ts";

export interface Closures {
  review(request: ReviewRequest): Promise<ControlAnswer>;
  decide(
    request: ControlRequest & { readonly decision: "retire" | "standby" | "template" },
  ): Promise<ControlAnswer>;
}

type Answer =
  | { readonly events: readonly CloneEvent[]; readonly done: (after: CloneState) => string }
  | string;

export function createClosures(parts: {
  recorder: Recorder;
  lane: (name: string) => string | null;
  /** The fleet's guardrail. */
  interventionsMax: () => number;
}): Closures {
  async function act(
    request: ControlRequest,
    answer: (state: CloneState, closed: ClosedMission) => Answer,
  ): Promise<ControlAnswer> {
    const lane = parts.lane(request.name);
    if (lane === null)
      return { ok: false, code: "not_found", message: `there is no mission or clone named ${request.name}` };
    let given: Answer = `${request.name} has no closed mission`;
    const { after } = await parts.recorder.write(lane, (state) => {
      const closed = newestClosed(state, request.name);
      if (closed !== null) given = answer(state, closed);
      return typeof given === "string" ? null : { events: given.events };
    });
    const made = given as Answer;
    return typeof made === "string"
      ? { ok: false, code: "conflict", message: made }
      : { ok: true, message: made.done(after) };
  }

  return {
    review: (request) =>
      act(request, (_state, closed) => {
        if (closed.outcome !== "pending") return `${closed.name} is ${closed.outcome} already`;
        const open = (closed.verdict?.criteria ?? []).filter(
          ({ state, review }) => state === "pending" || review !== undefined,
        );
        const unknown = request.criteria.find(({ id }) => !open.some((one) => one.id === id));
        if (unknown !== undefined || request.criteria.length === 0)
          return `${unknown === undefined ? "no criterion was named" : `${unknown.id} is no criterion that a person judges`}; these are: ${open.map(({ id }) => id).join(", ")}`;
        return {
          events: [
            {
              type: "review.recorded",
              missionId: closed.missionId,
              criteria: request.criteria,
              by: operator(request.actor),
              note: request.reason,
            },
          ],
          done: (after) => {
            const now = after.past.find(({ missionId }) => missionId === closed.missionId);
            return `${closed.name} is ${now?.outcome ?? "unknown"}: ${now?.outcomeReason ?? ""}`;
          },
        };
      }),

    decide: (request) =>
      act(request, (state, closed) => {
        if (closed.decision !== "undecided") return `it is decided already: ${closed.decision}`;
        if (request.decision === "retire" && state.mission !== null)
          return `${state.name} works on ${state.mission.name}; decide when that is closed`;
        const by = operator(request.actor);
        if (request.decision === "template") {
          const interventionsMax = parts.interventionsMax();
          const unmet = templateConditions(closed, interventionsMax).filter(({ ok }) => !ok);
          if (unmet.length > 0)
            return `${closed.name} cannot become a template: ${unmet.map(({ name, evidence }) => `${name} (${evidence})`).join("; ")}`;
          return {
            events: [{ type: "template.proposed", missionId: closed.missionId, by, interventionsMax }],
            done: (after) =>
              `proposed; somebody else signs it off: factory decide ${after.requests.find(({ kind }) => kind === "template")?.id ?? "<request>"} --approve`,
          };
        }
        return {
          events: [{ type: "closure.decided", missionId: closed.missionId, decision: request.decision, by }],
          done: () => `decided: ${request.decision}`,
        };
      }),
  };
}

function newestClosed(state: CloneState, name: string): ClosedMission | null {
  return [...state.past].reverse().find((past) => past.name === name || state.name === name) ?? null;
}
