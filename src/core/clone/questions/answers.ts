/** Whether an answer to an open question may be taken, and what is to be said when it may not. */

import { type Actor, actorText, mayBeSame } from "../../model/actor.ts";
import { partOf, partsOf, rounded } from "../../model/budget-rule.ts";
import type { CloneState } from "../../model/clone-state.ts";
import type { FleetPolicy } from "../../model/desired.ts";
import { METERS } from "../../model/event.ts";
import { ANSWER_FLAG, type BudgetField, type Decided, type Request } from "../../model/request.ts";
import { type Instant, iso } from "../../model/time.ts";
import { activeMsOf } from "../spending/active-time.ts";
import { floorOf } from "../spending/budget.ts";
import { CAP_OF, limitsInForce } from "../spending/raise.ts";
import { whyNotApprover } from "./requests.ts";

export interface AnswerContext {
  readonly by: Actor;
  /** Of `fleet.yaml` as it was read last; null while it has not been read: then nothing may be raised. */
  readonly caps: FleetPolicy["caps"] | null;
  readonly now: Instant;
}

/** Null: it may be taken. Otherwise one sentence with what was found and what would be right. */
export function refusalOf(
  state: CloneState,
  request: Request,
  { decision, by, caps, now }: AnswerContext & { readonly decision: Decided },
): string | null {
  if (!request.answers.includes(decision.type)) {
    const possible = request.answers.map((answer) => ANSWER_FLAG[answer]).join(" or ");
    return `${ANSWER_FLAG[decision.type].split(" ")[0]} is no answer to ${request.id}; ${possible} is`;
  }
  const barred = decision.type === "approve" ? whyNotApprover(request, by) : null;
  if (barred !== null) return barred;
  if (request.votes.some((vote) => mayBeSame(vote.by, by))) {
    return `${actorText(by)} has agreed already; ${request.quorum - request.votes.length} more have to`;
  }
  return decision.type === "raise" ? refusalOfRaise(state, decision.budget, { caps, now }) : null;
}

/** What became of a question that is not open any longer; null when there never was one. */
export function answeredBefore(state: CloneState, id: string): string | null {
  const lists = [state.mission?.answered ?? [], ...state.past.map(({ answered }) => answered)];
  const before = lists.flat().find((answered) => answered.id === id);
  if (before === undefined) return null;
  const detail = before.detail === "" ? "" : `: ${before.detail}`;
  return `${id} was answered by ${actorText(before.by)} at ${iso(before.decidedAt)} with ${before.decision}${detail}`;
}

type Raise = Readonly<Partial<Record<BudgetField, number>>>;

function refusalOfRaise(
  state: CloneState,
  raise: Raise,
  { caps, now }: Pick<AnswerContext, "caps" | "now">,
): string | null {
  const { mission } = state;
  if (mission === null) return "there is no mission whose budget could be raised";
  if (caps === null)
    return "the fleet's caps are not known before fleet.yaml has been read; try again in a moment";
  const entries = Object.entries(raise) as [BudgetField, number][];
  const inForce = limitsInForce(mission);
  if (entries.length === 0) return "nothing is raised; give for example --raise max_cost_usd=8";
  for (const [field, value] of entries) {
    const before = inForce.budget[field];
    const cap = caps[CAP_OF[field]];
    if (before === null) return `${field} is not limited, so there is nothing to raise`;
    if (value <= before) return `${field} is ${before} already; ${value} is not higher`;
    if (cap !== null && value > cap)
      return `${field} may be at most ${cap}, the fleet's cap (fleet.yaml, spec.caps.${field}); ${value} is beyond it`;
  }
  // As the record has it, which may be a heartbeat behind: then it asks again.
  const used = state.instance ?? { llmCalls: null, costMicros: null };
  const floor = floorOf(state, mission, { used, activeMs: activeMsOf(state, undefined, now) });
  const pause = partsOf(inForce.budget_thresholds).pause;
  for (const meter of METERS) {
    const field: BudgetField = `max_${meter}`;
    const limit = raise[field] ?? inForce.budget[field];
    if (limit === null || floor[meter] === 0 || partOf(floor[meter], limit) < pause) continue;
    const enough = Math.ceil((floor[meter] / pause) * 100) / 100;
    return `${rounded(floor[meter])} of ${meter} is used, so with ${field}=${limit} it would be paused again at once; raise it above ${enough}`;
  }
  return null;
}
