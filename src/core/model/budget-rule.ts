/**
 * The rule of budgets, in one place: the controller asks it about every mission, and each shim about its own, so that
 * a limit holds also while nobody listens, and the two cannot differ about what a number means.
 */

import { BUDGET_LEVELS, type BudgetLevel, METERS, type MeterName } from "./event.ts";
import type { Budget, BudgetThresholds, MissionLimits, ReportCadence } from "./mission.ts";
import type { BudgetField } from "./request.ts";
import { MINUTE_MS } from "./time.ts";

/** Where neither the mission nor `fleet.yaml` says anything, in percent of a limit (design section 7). */
export const DEFAULT_THRESHOLDS: BudgetThresholds = {
  notify_percent: 50,
  warn_percent: 80,
  pause_percent: 90,
};

/** What a mission calls the limit of a meter. */
export const LIMIT_OF = {
  runtime_minutes: "max_runtime_minutes",
  llm_calls: "max_llm_calls",
  cost_usd: "max_cost_usd",
} as const satisfies Record<MeterName, BudgetField>;

/** What was used, in whole units; unknown counts as nothing here. */
export interface Spending {
  readonly activeMs: number;
  readonly llmCalls: number;
  readonly costMicros: number;
}

/** What a shim holds its agent to: the limits that are in force, and what the mission had used before this instance. */
export interface HeldLimits {
  readonly missionId: string;
  readonly budget: Budget;
  readonly thresholds: BudgetThresholds;
  /** What an agent may still do before the freeze of a pause (decision 13). */
  readonly pauseGraceMs: number;
  readonly before: Spending;
  readonly reportCadence: ReportCadence;
}

export type Meters = Readonly<Record<MeterName, number>>;

export interface Crossing {
  readonly meter: MeterName;
  readonly level: BudgetLevel;
  readonly used: number;
  readonly limit: number;
}

/** Two parts of what was used together, as the meters name it. */
export function metersOfSpending(before: Spending, own: Spending): Meters {
  return {
    runtime_minutes: (before.activeMs + own.activeMs) / MINUTE_MS,
    llm_calls: before.llmCalls + own.llmCalls,
    cost_usd: (before.costMicros + own.costMicros) / 1_000_000,
  };
}

/** Thresholds as parts of a limit. At all of it a limit is reached, whatever was declared. */
export function partsOf(declared: MissionLimits["budget_thresholds"]): Readonly<Record<BudgetLevel, number>> {
  const { notify_percent, warn_percent, pause_percent } = declared ?? DEFAULT_THRESHOLDS;
  return { notify: notify_percent / 100, warn: warn_percent / 100, pause: pause_percent / 100, stop: 1 };
}

/** The level in percent of a limit. */
export function percentOf(level: BudgetLevel, declared: MissionLimits["budget_thresholds"]): number {
  if (level === "stop") return 100;
  return (declared ?? DEFAULT_THRESHOLDS)[`${level}_percent`];
}

/** Of a limit of nothing, anything at all is beyond it, and nothing is below it. */
export function partOf(used: number, limit: number): number {
  return limit > 0 ? used / limit : used > 0 ? Number.POSITIVE_INFINITY : 0;
}

/** The highest level that a meter has reached; null: none, or there is no limit. */
export function levelOf(
  used: number,
  limit: number | null,
  thresholds: BudgetThresholds | undefined,
): BudgetLevel | null {
  if (limit === null) return null;
  const part = partOf(used, limit);
  if (part <= 0) return null;
  const parts = partsOf(thresholds);
  return BUDGET_LEVELS.findLast((level) => part >= parts[level]) ?? null;
}

/** Whether the first level stands above the second. */
export function isAbove(level: BudgetLevel, than: BudgetLevel | undefined): boolean {
  return than === undefined || BUDGET_LEVELS.indexOf(level) > BUDGET_LEVELS.indexOf(than);
}

/** What has been reached and was not known to be, at most one level of each meter. */
export function crossingsOf(
  used: Meters,
  { budget, thresholds }: { readonly budget: Budget; readonly thresholds: BudgetThresholds | undefined },
  known: { readonly [Meter in MeterName]?: BudgetLevel | undefined },
): readonly Crossing[] {
  return METERS.flatMap((meter) => {
    const limit = budget[LIMIT_OF[meter]];
    const level = levelOf(used[meter], limit, thresholds);
    if (limit === null || level === null || !isAbove(level, known[meter])) return [];
    return [{ meter, level, used: rounded(used[meter]), limit }];
  });
}

/** What a level asks for. A threshold is told; from `pause` on the agent stands still; at all of its limit it is ended. */
export function consequenceOf(level: BudgetLevel | null): "none" | "told" | "paused" | "ended" {
  switch (level) {
    case "stop":
      return "ended";
    case "pause":
      return "paused";
    case null:
      return "none";
    default:
      return "told";
  }
}

/** The meters that are raised above what they were: what was crossed under the lower limit is measured anew. */
export function raisedMeters(before: Budget, now: Budget): readonly MeterName[] {
  return METERS.filter((meter) => {
    const [from, to] = [before[LIMIT_OF[meter]], now[LIMIT_OF[meter]]];
    return from !== null && (to === null || to > from);
  });
}

/** Thousandths are enough for people, and keep a record free of noise. */
export function rounded(used: number): number {
  return Math.round(used * 1000) / 1000;
}
