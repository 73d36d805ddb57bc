/** Answers of people to open questions: recorded with who and why, and refused with what would be right. */

import { answeredBefore, refusalOf } from "../../core/clone/questions/answers.ts";
import { actorText, operator } from "../../core/model/actor.ts";
import type { CloneState } from "../../core/model/clone-state.ts";
import type { FleetPolicy } from "../../core/model/desired.ts";
import type { CloneEvent } from "../../core/model/event.ts";
import type { Decided, Request } from "../../core/model/request.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ControlAnswer, DecideRequest } from "../../ports/control-plane.ts";
import type { Recorder } from "../record/recorder.ts";

export interface Answers {
  decide(request: DecideRequest): Promise<ControlAnswer>;
  acknowledge(request: { readonly id: string; readonly actor: string }): Promise<ControlAnswer>;
}

/** Open questions that a refusal names. */
const NAMED_MAX = 5;

/** A question is looked for under its lane's turn in the record: of two answers at the same time the first one counts. */
export function createAnswers(parts: {
  recorder: Recorder;
  clock: Clock;
  /** Of `fleet.yaml` as it was read last. */
  caps: () => FleetPolicy["caps"] | null;
}): Answers {
  const { recorder, caps, clock } = parts;

  async function act(
    id: string,
    decide: (state: CloneState, open: Request) => CloneEvent | string,
    done: (before: CloneState, after: CloneState) => string,
  ): Promise<ControlAnswer> {
    const lane = laneOfRequest(recorder.states, id);
    if (lane === null) return notOpen(recorder.states, id);
    let refused: ControlAnswer | null = null;
    let before = lane;
    const { after } = await recorder.write(lane.name, (state) => {
      before = state;
      const open = state.requests.find((one) => one.id === id);
      const event = open === undefined ? null : decide(state, open);
      if (event !== null && typeof event !== "string") return { events: [event] };
      refused =
        event === null
          ? notOpen(new Map([[state.name, state]]), id)
          : { ok: false, code: "conflict", message: event };
      return null;
    });
    return refused ?? { ok: true, message: done(before, after) };
  }

  return {
    decide({ id, decision, actor, reason }) {
      const by = operator(actor);
      return act(
        id,
        (state, open) =>
          refusalOf(state, open, { decision, by, caps: caps(), now: clock.now() }) ?? {
            type: "request.decided",
            request: id,
            decision,
            by,
            reason,
          },
        (before, after) => outcome(id, { decision, before, after }),
      );
    },
    acknowledge: ({ id, actor }) =>
      act(
        id,
        (_state, open) =>
          open.acknowledged === null
            ? { type: "request.acknowledged", request: id, by: operator(actor) }
            : `${actorText(open.acknowledged.by)} is looking into ${id} already`,
        () => `${id} is yours; it comes back in 4 hours unless it is decided`,
      ),
  };
}

function outcome(
  id: string,
  { decision, before, after }: { decision: Decided; before: CloneState; after: CloneState },
): string {
  const name = before.mission?.name ?? before.name;
  const open = after.requests.find((one) => one.id === id);
  if (open !== undefined) return `${open.votes.length} of ${open.quorum} have agreed to ${id}`;
  const detail = after.mission?.answered.findLast((answered) => answered.id === id)?.detail ?? "";
  const said = decision.type === "raise" ? detail : decision.type.replace("_", " ");
  if (decision.type === "stop")
    return `decided: stop; ${name} is being ended, \`factory status ${name}\` shows the proof`;
  const [held] = after.holds;
  return held === undefined
    ? `decided: ${said}; nothing holds ${name}`
    : `decided: ${said}; ${name} is still held: ${held.message}`;
}

function notOpen(states: ReadonlyMap<string, CloneState>, id: string): ControlAnswer {
  for (const state of states.values()) {
    const before = answeredBefore(state, id);
    if (before !== null) return { ok: false, code: "conflict", message: before };
  }
  const open = [...states.values()].flatMap(({ requests }) => requests.map((request) => request.id));
  const more = open.length > NAMED_MAX ? ` and ${open.length - NAMED_MAX} more` : "";
  const which =
    open.length === 0 ? "no question is open" : `open are ${open.slice(0, NAMED_MAX).join(", ")}${more}`;
  return { ok: false, code: "not_found", message: `there is no open question ${id}; ${which}` };
}

function laneOfRequest(states: ReadonlyMap<string, CloneState>, id: string): CloneState | null {
  for (const state of states.values()) if (state.requests.some((request) => request.id === id)) return state;
  return null;
}
