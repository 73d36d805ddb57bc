/** What a shim is told of its mission's limits, so that it holds them by itself. */

import { DEFAULT_THRESHOLDS, type HeldLimits } from "../../model/budget-rule.ts";
import type { CloneState } from "../../model/clone-state.ts";
import { ask, type Step, stay, withInstance } from "../step.ts";
import { declaredGraceMs } from "../stop/pause.ts";
import { spentByEarlier } from "./budget.ts";
import { limitsInForce } from "./raise.ts";

/** The limits that are in force, and what the mission had used before its instance began. Null without a mission. */
export function heldLimitsOf(state: CloneState): HeldLimits | null {
  const { mission, instance } = state;
  if (mission === null) return null;
  const {
    budget,
    budget_thresholds: thresholds = DEFAULT_THRESHOLDS,
    report_cadence: reportCadence,
  } = limitsInForce(mission);
  const { max_runtime_minutes, max_llm_calls, max_cost_usd } = budget;
  const activeMs = instance?.activeMs == null ? mission.activeMs : instance.activeBaseMs;
  return {
    missionId: mission.missionId,
    budget: { max_runtime_minutes, max_llm_calls, max_cost_usd },
    thresholds,
    pauseGraceMs: declaredGraceMs(state),
    before: { activeMs, ...spentByEarlier(state, mission) },
    reportCadence,
  };
}

/** The shim is told as soon as what it was told last is not in force any more. */
export function tellLimits(state: CloneState): Step {
  const { instance } = state;
  const text = limitsText(state);
  if (instance === null || instance.handle === null || text === instance.limitsTold) return stay(state);
  return ask(withInstance(state, { limitsTold: text }), { type: "configure", epoch: instance.epoch });
}

/** The same for the same limits. What was used before is not part of it: of an instance that does not change. */
export function limitsText(state: CloneState): string | null {
  const held = heldLimitsOf(state);
  if (held === null) return null;
  const { budget, thresholds, pauseGraceMs, reportCadence } = held;
  const { notify_percent, warn_percent, pause_percent } = thresholds;
  const limits = [budget.max_runtime_minutes, budget.max_llm_calls, budget.max_cost_usd];
  return `${limits.map((limit) => limit ?? "none").join("/")} at ${notify_percent}/${warn_percent}/${pause_percent}+${pauseGraceMs}, ${reportCadence}`;
}
