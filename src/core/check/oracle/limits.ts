/**
 * What limits each mission, worked out from the events and from section 7 of the design alone: what its file says, what
 * an answer raised, and from which part of a limit on somebody has to be asked. Nothing here asks the code that decides it.
 */

import type { CloneState, MissionState } from "../../model/clone-state.ts";
import { BUDGET_LEVELS, type BudgetLevel, type MeterName } from "../../model/event.ts";
import type { BudgetThresholds, MissionLimits } from "../../model/mission.ts";
import { BUDGET_FIELDS, type BudgetField } from "../../model/request.ts";
import type { Recorded } from "../fact.ts";

/** "Thresholds: notify 50 %, warn 80 %, pause and ask 90 %, hard stop 100 %." */
const THRESHOLDS: BudgetThresholds = { notify_percent: 50, warn_percent: 80, pause_percent: 90 };
const STOP_PERCENT = 100;

/** Meters are written down in thousandths: what stands within one of them may be on either side. */
const ROUNDED_BY = 0.001;

export const FIELD_OF: Readonly<Record<MeterName, BudgetField>> = {
  runtime_minutes: "max_runtime_minutes",
  llm_calls: "max_llm_calls",
  cost_usd: "max_cost_usd",
};

/** The limits of the mission on one lane. */
export interface LaneLimits {
  readonly missionId: string;
  readonly limits: MissionLimits;
  /** A raise answers one number of the file, and is over when the file says another one. */
  readonly raises: Readonly<Partial<Record<BudgetField, number>>>;
}

export interface LimitBook {
  /** The limits before and after an event; null without a mission. */
  take(fact: Recorded): { readonly before: LaneLimits | null; readonly after: LaneLimits | null };
}

export function createLimitBook(): LimitBook {
  const lanes = new Map<string, LaneLimits | null>();
  return {
    take(fact) {
      const { clone } = fact.event;
      const before = lanes.get(clone) ?? told(fact.before.mission);
      const after = next(before, fact);
      lanes.set(clone, after);
      return { before, after };
    },
  };
}

function next(
  lane: LaneLimits | null,
  { event: { event }, before, after, ignored }: Recorded,
): LaneLimits | null {
  if (after.mission === null) return null;
  if (event.type === "clone.restored" || lane === null || lane.missionId !== after.mission.missionId)
    return event.type === "mission.assigned" && !ignored
      ? { missionId: event.mission.missionId, limits: event.mission.limits, raises: {} }
      : told(after.mission);
  if (ignored) return lane;
  switch (event.type) {
    case "mission.limits_changed": {
      const { limits } = event;
      const stays = BUDGET_FIELDS.filter((field) => limits.budget[field] === lane.limits.budget[field]);
      return { ...lane, limits, raises: only(lane.raises, stays) };
    }
    case "request.decided": {
      const { decision } = event;
      const asked = before.requests.find(({ id }) => id === event.request);
      if (decision.type !== "raise" || asked === undefined) return lane;
      const raised = BUDGET_FIELDS.flatMap((field) => {
        const [from, to] = [limitOf(lane, field), decision.budget[field]];
        return from !== null && to !== undefined && to > from ? [[field, to] as const] : [];
      });
      return { ...lane, raises: { ...lane.raises, ...Object.fromEntries(raised) } };
    }
    case "raise.ended":
      return {
        ...lane,
        raises: only(
          lane.raises,
          BUDGET_FIELDS.filter((field) => field !== event.field),
        ),
      };
    default:
      return lane;
  }
}

function only(raises: LaneLimits["raises"], fields: readonly BudgetField[]): LaneLimits["raises"] {
  return Object.fromEntries(
    fields.flatMap((field) => (raises[field] === undefined ? [] : [[field, raises[field]]])),
  );
}

/** As a state tells it, for whoever did not see how it came about. */
function told(mission: MissionState | null): LaneLimits | null {
  if (mission === null) return null;
  const { missionId, limits, raises } = mission;
  const inForce = BUDGET_FIELDS.flatMap((field) => {
    const raise = raises[field];
    return raise !== undefined && raise.declared === limits.budget[field] ? [[field, raise.to] as const] : [];
  });
  return { missionId, limits, raises: Object.fromEntries(inForce) };
}

/** What is in force, by what the events say; null: no limit. */
export function limitOf({ limits, raises }: LaneLimits, field: BudgetField): number | null {
  return raises[field] ?? limits.budget[field];
}

/** What a state says is in force. */
export function saidLimit(state: CloneState, field: BudgetField): number | null {
  const lane = told(state.mission);
  return lane === null ? null : limitOf(lane, field);
}

/** From this part of a limit on the mission is held and somebody is asked. */
export function pausePercentOf({ limits }: Pick<LaneLimits, "limits">): number {
  return (limits.budget_thresholds ?? THRESHOLDS).pause_percent;
}

/** The levels that an amount may stand at: two, where it stands on an edge. */
export function levelsAt(used: number, limit: number, lane: LaneLimits): readonly (BudgetLevel | null)[] {
  return [levelAt(used - ROUNDED_BY, limit, lane), levelAt(used + ROUNDED_BY, limit, lane)];
}

function levelAt(used: number, limit: number, { limits }: LaneLimits): BudgetLevel | null {
  const said = limits.budget_thresholds ?? THRESHOLDS;
  const percents: Readonly<Record<BudgetLevel, number>> = {
    notify: said.notify_percent,
    warn: said.warn_percent,
    pause: said.pause_percent,
    stop: STOP_PERCENT,
  };
  if (used <= 0) return null;
  return BUDGET_LEVELS.findLast((level) => used * 100 >= percents[level] * limit) ?? null;
}

export function asksSomebody(level: BudgetLevel | null | undefined): boolean {
  return level === "pause" || level === "stop";
}
