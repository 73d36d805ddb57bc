/** Answers of people to open questions: recorded with who and why, and refused with what would be right. */

import { answeredBefore, refusalOf } from "../../core/clone/questions/answers.ts";
import { type Actor, actorText, isHuman, isProven, shortName } from "../../core/model/actor.ts";
import type { CloneState } from "../../core/model/clone-state.ts";
import type { FleetPolicy } from "../../core/model/desired.ts";
import type { CloneEvent } from "../../core/model/event.ts";
import type { Decided, Request } from "../../core/model/request.ts";
import { iso } from "../../core/model/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { OperationHandlers, OrderAnswer } from "../../ports/control-plane.ts";
import { isOver, type OperatorTokens } from "../../ports/operator-tokens.ts";
import type { Recorder } from "../record/recorder.ts";

/** Open questions that a refusal names. */
const NAMED_MAX = 5;

export interface RequestOrderParts {
  readonly operatorTokens: OperatorTokens;
  readonly recorder: Recorder;
  readonly clock: Clock;
  /** Of `fleet.yaml` as it was read last; null before. */
  policy(): FleetPolicy | null;
}

export function requestOrders(parts: RequestOrderParts): Pick<OperationHandlers, "decide" | "acknowledge"> {
  return {
    decide: ({ id, decision, budget = {}, reason }, by) =>
      decide(parts, {
        id,
        decision: decision === "raise" ? { type: decision, budget } : { type: decision },
        reason,
        by,
      }),
    acknowledge: ({ id }, by) => acknowledge(parts, id, by),
  };
}

function decide(
  parts: RequestOrderParts,
  said: {
    readonly id: string;
    readonly decision: Decided;
    readonly reason: string;
    readonly by: Actor;
  },
): Promise<OrderAnswer> {
  const { id, decision, reason, by } = said;
  return answer(parts, id, {
    judge: (state, open) =>
      refusalOfShared(parts, decision, by) ??
      refusalOf(state, open, {
        decision,
        by,
        caps: parts.policy()?.caps ?? null,
        now: parts.clock.now(),
      }) ?? {
        type: "request.decided",
        request: id,
        decision,
        by,
        reason,
      },
    done: (before, after) =>
      outcome(id, { decision, before, after }) + unprovenText(id, { before, decision, by }),
  });
}

/** Where people have tokens of their own, only those say who approves: a name that comes with the shared one may be anybody's. */
function refusalOfShared(
  { operatorTokens, clock }: RequestOrderParts,
  decision: Decided,
  by: Actor,
): string | null {
  if (decision.type !== "approve" || !isHuman(by) || isProven(by)) return null;
  const now = clock.now();
  return operatorTokens.list().some((token) => !isOver(token, now))
    ? `${shortName(by)} came with the shared token, which proves no name, and people here have tokens of their own: approve with yours (\`factory token list\`)`
    : null;
}

/** What nobody can tell: whether those who came with one shared token are two people. */
function unprovenText(
  id: string,
  { before, decision, by }: { readonly before: CloneState; readonly decision: Decided; readonly by: Actor },
): string {
  const open = before.requests.find((one) => one.id === id);
  if (open === undefined || decision.type !== "approve" || isProven(by)) return "";
  const others = [open.requestedBy, ...open.barred, ...open.votes.map((vote) => vote.by)];
  return others.some((other) => isHuman(other) && !isProven(other))
    ? "; unproven that these are different people: all came with the shared token. `factory token create` gives each a name"
    : "";
}

function acknowledge(parts: RequestOrderParts, id: string, by: Actor): Promise<OrderAnswer> {
  return answer(parts, id, {
    judge: (_state, open) =>
      open.acknowledged === null
        ? { type: "request.acknowledged", request: id, by }
        : `${actorText(open.acknowledged.by)} is looking into ${id} already`,
    done: (_before, { requests }) => {
      const again = requests.find((one) => one.id === id)?.remindAt;
      return `${id} is yours; it comes back${again === undefined ? "" : ` at ${iso(again)}`} unless it is decided`;
    },
  });
}

/** A question is looked for under its lane's turn in the record: of two answers at the same time the first one counts. */
async function answer(
  { recorder }: RequestOrderParts,
  id: string,
  order: {
    readonly judge: (state: CloneState, open: Request) => CloneEvent | string;
    readonly done: (before: CloneState, after: CloneState) => string;
  },
): Promise<OrderAnswer> {
  const lane = laneOfRequest(recorder.states, id);
  if (lane === null) return notOpen(recorder.states, id);
  let refused: OrderAnswer | null = null;
  let before = lane;
  const { after } = await recorder.write(lane.name, (state) => {
    before = state;
    const open = state.requests.find((one) => one.id === id);
    const event = open === undefined ? null : order.judge(state, open);
    if (event !== null && typeof event !== "string") return { events: [event] };
    refused =
      event === null
        ? notOpen(new Map([[state.name, state]]), id)
        : { ok: false, code: "conflict", message: event };
    return null;
  });
  return refused ?? { ok: true, message: order.done(before, after) };
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

function notOpen(states: ReadonlyMap<string, CloneState>, id: string): OrderAnswer {
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
