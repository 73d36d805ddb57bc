import type { AutonomyWindow, BudgetThresholds, MissionLimits } from "../model/mission.ts";
import { sameValue } from "../model/same.ts";

/**
 * Names of the limits that `to` makes looser than `from`. What can be neither (a window that moves) counts as looser: a reviewer
 * has not seen it.
 */
export function loosened(from: MissionLimits, to: MissionLimits): readonly (keyof MissionLimits)[] {
  return (Object.keys(LOOSER) as (keyof MissionLimits)[]).filter((field) => LOOSER[field](from, to));
}

/** The limits with everything of `to` that is not looser than `from`: what may be applied without asking anybody. */
export function tightestOf(from: MissionLimits, to: MissionLimits): MissionLimits {
  const kept = Object.fromEntries(loosened(from, to).map((field) => [field, from[field]]));
  const budget = { ...to.budget };
  for (const field of BUDGET)
    if (isMore(from.budget[field], to.budget[field])) Object.assign(budget, { [field]: from.budget[field] });
  const { pause_grace_seconds, budget_thresholds, ...rest } = { ...to, ...kept, budget };
  return {
    ...rest,
    ...(pause_grace_seconds === undefined ? {} : { pause_grace_seconds }),
    ...(budget_thresholds === undefined ? {} : { budget_thresholds }),
  };
}

const BUDGET = ["max_runtime_minutes", "max_llm_calls", "max_cost_usd"] as const;
const STATES: readonly MissionLimits["state"][] = ["cancelled", "paused", "active"];

type Looser = (from: MissionLimits, to: MissionLimits) => boolean;

const LOOSER: Readonly<Record<keyof MissionLimits, Looser>> = {
  state: (from, to) => STATES.indexOf(to.state) > STATES.indexOf(from.state),
  kill_switch: (from, to) => from.kill_switch.engaged && !to.kill_switch.engaged,
  budget: (from, to) => BUDGET.some((field) => isMore(from.budget[field], to.budget[field])),
  budget_thresholds: (from, to) => thresholdsRise(from.budget_thresholds, to.budget_thresholds),
  autonomy_window: (from, to) => isWider(from.autonomy_window, to.autonomy_window),
  heartbeat_interval_seconds: (from, to) => to.heartbeat_interval_seconds > from.heartbeat_interval_seconds,
  pause_grace_seconds: (from, to) =>
    from.pause_grace_seconds === undefined || to.pause_grace_seconds === undefined
      ? from.pause_grace_seconds !== to.pause_grace_seconds
      : to.pause_grace_seconds > from.pause_grace_seconds,
  // How often people hear of it limits nothing.
  report_cadence: () => false,
  mission_progress_interval_seconds: (from, to) =>
    isMore(from.mission_progress_interval_seconds, to.mission_progress_interval_seconds),
  blocked: (from, to) =>
    to.blocked.escalate_after > from.blocked.escalate_after ||
    to.blocked.window_minutes < from.blocked.window_minutes,
};

/** Null: no limit. */
function isMore(from: number | null, to: number | null): boolean {
  if (from === null) return false;
  return to === null || to > from;
}

function thresholdsRise(from: BudgetThresholds | undefined, to: BudgetThresholds | undefined): boolean {
  if (sameValue(from, to)) return false;
  if (from === undefined || to === undefined) return true;
  return (
    to.notify_percent > from.notify_percent ||
    to.warn_percent > from.warn_percent ||
    to.pause_percent > from.pause_percent
  );
}

function isWider(from: AutonomyWindow | null, to: AutonomyWindow | null): boolean {
  if (from === null || sameValue(from, to)) return false;
  if (to === null || from.type !== "fixed" || to.type !== "fixed") return true;
  const earlier = from.startAt !== null && (to.startAt === null || to.startAt < from.startAt);
  const later = from.endAt !== null && (to.endAt === null || to.endAt > from.endAt);
  return earlier || later;
}
