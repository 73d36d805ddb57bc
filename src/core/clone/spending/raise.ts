/** Limits that a decision raised above what the mission's file says. */

import type { Actor } from "../../model/actor.ts";
import { raisedMeters } from "../../model/budget-rule.ts";
import type { CloneState, MissionState, Raise } from "../../model/clone-state.ts";
import type { FleetPolicy } from "../../model/desired.ts";
import { BUDGET_LEVELS, type BudgetLevel, type CloneEvent, type MeterName } from "../../model/event.ts";
import type { MissionLimits } from "../../model/mission.ts";
import { BUDGET_FIELDS, type BudgetField } from "../../model/request.ts";
import type { Instant } from "../../model/time.ts";
import { type Step, stay, withMission, withoutBudget } from "../step.ts";

/**
 * What limits the mission now: the file's numbers, and where a decision raised
 * one, that one. A raise answers one number of the file and is in force for as
 * long as the file says that number: whatever else it says later was decided later.
 */
export function limitsInForce(mission: Pick<MissionState, "limits" | "raises">): MissionLimits {
  let { limits } = mission;
  for (const field of BUDGET_FIELDS) {
    const raise = raiseOf(mission, field);
    if (raise !== null) limits = { ...limits, budget: { ...limits.budget, [field]: raise.to } };
  }
  return limits;
}

/** The raise that is in force for a limit. */
export function raiseOf(mission: Pick<MissionState, "limits" | "raises">, field: BudgetField): Raise | null {
  const raise = mission.raises[field];
  return raise !== undefined && raise.declared === mission.limits.budget[field] ? raise : null;
}

/** Only a number that is higher than the one in force raises it; the others are left as they are. */
export function raiseBudget(
  state: CloneState,
  raised: Readonly<Partial<Record<BudgetField, number>>>,
  { by, at, request }: { readonly by: Actor; readonly at: Instant; readonly request: string },
): CloneState {
  const { mission } = state;
  if (mission === null) return state;
  const before = limitsInForce(mission).budget;
  const raises: Partial<Record<BudgetField, Raise>> = { ...mission.raises };
  for (const field of BUDGET_FIELDS) {
    const [from, to] = [before[field], raised[field]];
    if (from === null || to === undefined || to <= from) continue;
    raises[field] = { declared: mission.limits.budget[field], from, to, by, at, request };
  }
  return settleBudget(withMission(state, { raises }), mission);
}

/** The fleet's caps fell below it, or the file says another number: what the file says is in force again. */
export function onRaiseEnded(state: CloneState, event: Extract<CloneEvent, { type: "raise.ended" }>): Step {
  const { mission } = state;
  if (mission === null || mission.raises[event.field] === undefined)
    return stay(state, "there is no such raise");
  const { [event.field]: _ended, ...raises } = mission.raises;
  return stay(withMission(state, { raises }));
}

/** A raise was decided within the caps of its day. Caps are tightened for all, and at once. */
export function raisesBeyond(
  mission: MissionState,
  { caps, revision }: { readonly caps: FleetPolicy["caps"]; readonly revision: string },
): Extract<CloneEvent, { type: "raise.ended" }>[] {
  return BUDGET_FIELDS.flatMap((field) => {
    const cap = caps[CAP_OF[field]];
    const raise = raiseOf(mission, field);
    if (cap === null || raise === null || raise.to <= cap) return [];
    const reason = `it is ${raise.to}, and the fleet's cap is ${cap} now`;
    return [{ type: "raise.ended", field, reason, revision }];
  });
}

/** What `fleet.yaml` calls the cap of a limit. */
export const CAP_OF = {
  max_runtime_minutes: "maxRuntimeMinutes",
  max_llm_calls: "maxLlmCalls",
  max_cost_usd: "maxCostUsd",
} as const satisfies Record<BudgetField, keyof FleetPolicy["caps"]>;

/** Raises whose number the file no longer says are over for good, also when it says it again later. */
export function withoutOldRaises(mission: MissionState): MissionState["raises"] {
  const kept = BUDGET_FIELDS.filter((field) => raiseOf(mission, field) !== null);
  return kept.length === Object.keys(mission.raises).length
    ? mission.raises
    : Object.fromEntries(kept.map((field) => [field, mission.raises[field]]));
}

/**
 * After limits changed: what was crossed under a limit that is higher now is
 * measured anew, and when nothing is left that has to be answered, the hold and its question go.
 */
export function settleBudget(state: CloneState, before: MissionState): CloneState {
  const { mission } = state;
  if (mission === null) return state;
  const higher = raisedMeters(limitsInForce(before).budget, limitsInForce(mission).budget);
  if (higher.length === 0) return state;
  const crossed = Object.fromEntries(
    Object.entries(mission.crossed).filter(([meter]) => !higher.includes(meter as MeterName)),
  );
  const next = withMission(state, { crossed });
  if (isOverBudget({ crossed })) return next;
  return withoutBudget(next);
}

/** Whether a meter has reached the level at which people have to be asked. */
export function isOverBudget({ crossed }: Pick<MissionState, "crossed">): boolean {
  return Object.values(crossed).some(isPause);
}

function isPause(level: BudgetLevel): boolean {
  return BUDGET_LEVELS.indexOf(level) >= BUDGET_LEVELS.indexOf("pause");
}
