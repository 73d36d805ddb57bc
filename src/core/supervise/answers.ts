/** Whether an answer to an open question may be taken, and what is to be said when it may not. */
import type { FleetPolicy } from "../model/desired.ts";
import { BUDGET_LEVELS, type BudgetLevel, type MeterName } from "../model/event.ts";
import { ANSWER_FLAG, type BudgetField, type Decided, type Request } from "../model/request.ts";
import { iso, MINUTE_MS } from "../model/time.ts";
import { BUDGET_THRESHOLDS } from "./due.ts";
import { totalUsage } from "./report.ts";
import { whyNotApprover } from "./requests.ts";
import type { CloneState, MissionState } from "./state.ts";

export interface AnswerContext {
  /** `operator:<name>`, as recorded. */
  readonly by: string;
  /** Of `fleet.yaml` as it was read last; null while it has not been read: then nothing may be raised. */
  readonly caps: FleetPolicy["caps"] | null;
}

/** Null: it may be taken. Otherwise one sentence with what was found and what would be right. */
export function refusalOf(
  state: CloneState,
  request: Request,
  { decision, by, caps }: AnswerContext & { readonly decision: Decided },
): string | null {
  if (!request.answers.includes(decision.type)) {
    const possible = request.answers.map((answer) => ANSWER_FLAG[answer]).join(" or ");
    return `${ANSWER_FLAG[decision.type].split(" ")[0]} is no answer to ${request.id}; ${possible} is`;
  }
  const barred = decision.type === "approve" ? whyNotApprover(request, by) : null;
  if (barred !== null) return barred;
  if (request.votes.some((vote) => vote.by === by)) {
    return `${by} has agreed already; ${request.quorum - request.votes.length} more have to`;
  }
  return decision.type === "raise" ? refusalOfRaise(state, decision.budget, caps) : null;
}

/** What became of a question that is not open any longer; null when there never was one. */
export function answeredBefore(state: CloneState, id: string): string | null {
  const lists = [state.mission?.answered ?? [], ...state.past.map(({ answered }) => answered)];
  const before = lists.flat().find((answered) => answered.id === id);
  if (before === undefined) return null;
  const detail = before.detail === "" ? "" : `: ${before.detail}`;
  return `${id} was answered by ${before.by} at ${iso(before.decidedAt)} with ${before.decision}${detail}`;
}

type Raise = Readonly<Partial<Record<BudgetField, number>>>;

function refusalOfRaise(state: CloneState, raise: Raise, caps: FleetPolicy["caps"] | null): string | null {
  const { mission } = state;
  if (mission === null) return "there is no mission whose budget could be raised";
  if (caps === null)
    return "the fleet's caps are not known before fleet.yaml has been read; try again in a moment";
  const entries = Object.entries(raise) as [BudgetField, number][];
  if (entries.length === 0) return "nothing is raised; give for example --raise max_cost_usd=8";
  for (const [field, value] of entries) {
    const before = mission.limits.budget[field];
    const cap = caps[CAP_OF[field]];
    if (before === null) return `${field} is not limited, so there is nothing to raise`;
    if (value <= before) return `${field} is ${before} already; ${value} is not higher`;
    if (cap !== null && value > cap)
      return `${field} may be at most ${cap}, the fleet's cap (fleet.yaml, spec.caps.${field}); ${value} is beyond it`;
  }
  for (const [meter, level] of Object.entries(mission.crossed) as [MeterName, BudgetLevel][]) {
    if (BUDGET_LEVELS.indexOf(level) < BUDGET_LEVELS.indexOf("pause")) continue;
    const field: BudgetField = `max_${meter}`;
    const used = usedOf(state, mission, meter);
    const limit = raise[field] ?? mission.limits.budget[field];
    if (used === null || limit === null || used < BUDGET_THRESHOLDS.pause * limit) continue;
    const enough = Math.ceil((used / BUDGET_THRESHOLDS.pause) * 100) / 100;
    return `${rounded(used)} of ${meter} is used, so with ${field}=${limit} it would be paused again at once; raise it above ${enough}`;
  }
  return null;
}

const CAP_OF = {
  max_runtime_minutes: "maxRuntimeMinutes",
  max_llm_calls: "maxLlmCalls",
  max_cost_usd: "maxCostUsd",
} as const satisfies Record<BudgetField, keyof FleetPolicy["caps"]>;

/** As the record has it, which may be a heartbeat behind. */
function usedOf(state: CloneState, mission: MissionState, meter: MeterName): number | null {
  const used = totalUsage(mission, state.instance);
  if (meter === "llm_calls") return used.llmCalls;
  if (meter === "cost_usd") return used.costMicros === null ? null : used.costMicros / 1_000_000;
  return mission.activeMs / MINUTE_MS;
}

function rounded(used: number): number {
  return Math.round(used * 100) / 100;
}
