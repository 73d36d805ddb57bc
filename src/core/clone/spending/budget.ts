/** Meters against their limits: what was crossed, and what follows. */

import { actorText, SUPERVISOR } from "../../model/actor.ts";
import type { CloneState, InstanceState, MissionState } from "../../model/clone-state.ts";
import {
  BUDGET_LEVELS,
  type BudgetLevel,
  type CloneEvent,
  METERS,
  type MeterName,
} from "../../model/event.ts";
import type { Signal } from "../../model/instance.ts";
import {
  type BudgetThresholds,
  METER_TRUSTS,
  type MeterOrigin,
  type MeterTrust,
  type MissionLimits,
} from "../../model/mission.ts";
import type { BudgetField } from "../../model/request.ts";
import { type Instant, MINUTE_MS } from "../../model/time.ts";
import { withRequest } from "../questions/requests.ts";
import { type Step, stay, withHold, withInstance, withMission } from "../step.ts";
import { endMission } from "../stop/end-mission.ts";
import { activeMsOf } from "./active-time.ts";
import { limitsInForce, raiseOf } from "./raise.ts";

type Of<T extends CloneEvent["type"]> = Extract<CloneEvent, { type: T }>;

/** Where neither the mission nor `fleet.yaml` says anything, in percent of a limit (design section 7). */
export const DEFAULT_THRESHOLDS: BudgetThresholds = {
  notify_percent: 50,
  warn_percent: 80,
  pause_percent: 90,
};
/** Usage that only heartbeats told of is recorded after each such part of a limit: a crash of everything forgets no more. */
const SAMPLE_PART = 0.05;

/** What an instance has used so far as it says itself; null is unknown. */
export interface Used extends MeterOrigin {
  readonly llmCalls: number | null;
  readonly costMicros: number | null;
}

/** The newest of what was recorded and what the last heartbeat said. Cumulative, so the higher one is the newer one. */
export function usedByInstance(instance: InstanceState | null, signal: Signal | undefined): Used {
  if (instance === null) return { llmCalls: null, costMicros: null };
  const said = signal?.heartbeat.epoch === instance.epoch ? signal.heartbeat.usage : null;
  return {
    llmCalls: higher(instance.llmCalls, said?.llmCalls ?? null),
    costMicros: higher(instance.costMicros, said?.costMicros ?? null),
    ...originOf(said),
  };
}

/** As it was said with the numbers. */
export function originOf(said: MeterOrigin | null): MeterOrigin {
  return {
    ...(said?.trust === undefined ? {} : { trust: said.trust }),
    ...(said?.source === undefined ? {} : { source: said.source }),
  };
}

/** Whether the first is more than the second on any meter. What was never said counts as nothing here. */
export function isMore(used: Used, than: Used): boolean {
  return (used.llmCalls ?? 0) > (than.llmCalls ?? 0) || (used.costMicros ?? 0) > (than.costMicros ?? 0);
}

/**
 * What the mission has used at least: everything that any of its instances
 * said. It may be more, where one said nothing; it is never less, so a limit that this reaches is reached.
 */
export function floorOf(
  state: CloneState,
  mission: MissionState,
  { used, activeMs }: { readonly used: Used; readonly activeMs: number },
): Readonly<Record<MeterName, number>> {
  const { spent } = state;
  return {
    runtime_minutes: activeMs / MINUTE_MS,
    llm_calls: spent.llmCalls + (used.llmCalls ?? 0) - mission.spentBefore.llmCalls,
    cost_usd: (spent.costMicros + (used.costMicros ?? 0) - mission.spentBefore.costMicros) / 1_000_000,
  };
}

/** Thresholds as parts of a limit. */
export function partsOf({ budget_thresholds }: MissionLimits): Readonly<Record<BudgetLevel, number>> {
  const declared = budget_thresholds ?? DEFAULT_THRESHOLDS;
  return {
    notify: declared.notify_percent / 100,
    warn: declared.warn_percent / 100,
    pause: declared.pause_percent / 100,
    stop: 1,
  };
}

/** What a mission calls the limit of a meter. */
const LIMIT_OF = {
  runtime_minutes: "max_runtime_minutes",
  llm_calls: "max_llm_calls",
  cost_usd: "max_cost_usd",
} as const satisfies Record<MeterName, BudgetField>;

/** Of a limit of nothing, anything at all is beyond it, and nothing is below it. */
export function partOf(used: number, limit: number): number {
  return limit > 0 ? used / limit : used > 0 ? Number.POSITIVE_INFINITY : 0;
}

export function dueBudget(
  state: CloneState,
  signal: Signal | undefined,
  { now, wordsMayWait }: { readonly now: Instant; readonly wordsMayWait: boolean },
): CloneEvent[] {
  const { mission, instance } = state;
  if (mission === null || mission.terminal !== null) return [];
  const used = usedByInstance(instance, signal);
  const activeMs = activeMsOf(state, signal, now);
  const floor = floorOf(state, mission, { used, activeMs });
  const limits = limitsInForce(mission);
  const parts = partsOf(limits);
  const crossed: CloneEvent[] = [];
  for (const meter of METERS) {
    if (meter === "runtime_minutes" && wordsMayWait) continue;
    const event = crossing(mission, meter, {
      used: floor[meter],
      limit: limits.budget[LIMIT_OF[meter]],
      parts,
    });
    if (event !== null) crossed.push(event);
  }
  if (instance === null || instance.stopping !== null || !isMore(used, instance)) return crossed;
  const recorded = floorOf(state, mission, { used: instance, activeMs });
  const worthIt =
    crossed.length > 0 ||
    METERS.some((meter) =>
      isStep(meter, {
        recorded: recorded[meter],
        used: floor[meter],
        limit: limits.budget[LIMIT_OF[meter]],
      }),
    );
  return worthIt ? [{ type: "instance.used", epoch: instance.epoch, ...used }, ...crossed] : crossed;
}

/** The highest level that a meter has reached, unless it is known to have been there. */
function crossing(
  mission: MissionState,
  meter: MeterName,
  {
    used,
    limit,
    parts,
  }: {
    readonly used: number;
    readonly limit: number | null;
    readonly parts: Readonly<Record<BudgetLevel, number>>;
  },
): CloneEvent | null {
  if (limit === null) return null;
  const part = partOf(used, limit);
  if (part <= 0) return null;
  const reached = BUDGET_LEVELS.findLast((level) => part >= parts[level]);
  if (reached === undefined) return null;
  const before = mission.crossed[meter];
  if (before !== undefined && BUDGET_LEVELS.indexOf(reached) <= BUDGET_LEVELS.indexOf(before)) return null;
  return { type: "budget.crossed", meter, level: reached, used: rounded(used), limit };
}

/** Whether enough was added since the record last heard of it. Without a limit, each call and each dollar is as good as another: a twentieth more. */
function isStep(
  meter: MeterName,
  {
    recorded,
    used,
    limit,
  }: { readonly recorded: number; readonly used: number; readonly limit: number | null },
): boolean {
  if (meter === "runtime_minutes" || used <= recorded) return false;
  return used - recorded >= SAMPLE_PART * (limit ?? recorded);
}

/** A sample for the record. Cumulative: one that is not higher than what is known says nothing new. */
export function onUsed(state: CloneState, event: Of<"instance.used">): Step {
  const { instance } = state;
  if (instance?.epoch !== event.epoch) return stay(state, `epoch ${event.epoch} is over`);
  if (!isMore(event, instance)) return stay(state, "it is known already");
  return stay(withUsage(state, event));
}

/**
 * What the instance says that it has used. Cumulative: the higher number is the newer one. A
 * rise after a pause has settled is counted. Whoever says numbers is believed as somebody who says numbers.
 */
export function withUsage(state: CloneState, used: Used): CloneState {
  const { instance, mission } = state;
  if (instance === null) return state;
  const { settled } = instance;
  const rises = settled !== null && isMore(used, instance) ? settled.rises + 1 : (settled?.rises ?? 0);
  const llmCalls = higher(instance.llmCalls, used.llmCalls);
  const costMicros = higher(instance.costMicros, used.costMicros);
  const counted = withInstance(state, {
    llmCalls,
    costMicros,
    settled: settled === null ? null : { ...settled, rises },
  });
  const says = llmCalls !== null || costMicros !== null;
  if (!says || mission === null) return counted;
  const trust = leastTrusted(mission.trust, trustIn(used));
  const usageSource = used.source ?? mission.usageSource;
  return trust === mission.trust && usageSource === mission.usageSource
    ? counted
    : withMission(counted, { trust, usageSource });
}

/** Numbers whose origin is not said, or is said to be nowhere, are believed as what somebody says. */
function trustIn({ trust }: MeterOrigin): Exclude<MeterTrust, "none"> {
  return trust === undefined || trust === "none" ? "reported" : trust;
}

/** A sum is trusted as far as the least trusted of its parts; of nothing it is a sum of nothing yet. */
export function leastTrusted(known: MeterTrust, said: Exclude<MeterTrust, "none">): MeterTrust {
  if (known === "none") return said;
  return METER_TRUSTS.indexOf(said) > METER_TRUSTS.indexOf(known) ? said : known;
}

/**
 * Notices are noticed. At `pause` the mission is held until a person changes
 * the number or stops it, also where it jumped beyond the limit in one step: money that is spent is not
 * brought back by killing. Time is different: it is over when it is over.
 */
export function onBudget(state: CloneState, event: Of<"budget.crossed">, at: Instant): Step {
  const { mission } = state;
  if (mission === null || mission.terminal !== null) return stay(state, "there is no mission");
  const crossed = withMission(state, { crossed: { ...mission.crossed, [event.meter]: event.level } });
  const facts = `${event.meter} is at ${event.used} of ${event.limit}`;
  if (event.level === "notify" || event.level === "warn") return stay(crossed);
  if (event.level === "stop" && event.meter === "runtime_minutes") {
    const reason = `budget exhausted: ${facts}`;
    return endMission(crossed, at, { status: "timed_out", by: SUPERVISOR, reason, enter: "term" });
  }
  return stay(askAboutBudget(crossed, facts, at));
}

/** One hold and one question, whatever number of meters is concerned. */
function askAboutBudget(state: CloneState, facts: string, at: Instant): CloneState {
  const held = withHold(state, {
    kind: "budget",
    owner: "supervisor",
    since: at,
    reason: "BudgetThreshold",
    message: `${facts}; goes on when the limit is raised, by decision or in the file`,
    evidence: meterLines(state, at).join("; "),
    clearBy: "decision",
  });
  return withRequest(
    held,
    {
      kind: "budget",
      severity: "medium",
      summary: `${facts}; raise it or stop`,
      evidence: meterLines(state, at),
      answers: ["raise", "stop"],
      hold: { kind: "budget", owner: "supervisor" },
    },
    at,
  );
}

/** Every meter as a line. */
export function meterLines(state: CloneState, at: Instant): string[] {
  return metersOf(state, at).map(({ meter, text }) => `${meter}: ${text}`);
}

export interface MeterFact {
  readonly meter: MeterName;
  readonly trust: MeterTrust;
  readonly known: boolean;
  readonly text: string;
}

/** Every meter with its limit, where that comes from, and how far its numbers can be trusted. */
export function metersOf(state: CloneState, at: Instant): MeterFact[] {
  const { mission, instance } = state;
  if (mission === null) return [];
  const used = instance ?? { llmCalls: null, costMicros: null };
  const floor = floorOf(state, mission, { used, activeMs: activeMsOf(state, undefined, at) });
  const { budget } = limitsInForce(mission);
  return METERS.map((meter) => {
    const field = LIMIT_OF[meter];
    const limit = budget[field];
    const raise = raiseOf(mission, field);
    const trust = meter === "runtime_minutes" ? "metered" : mission.trust;
    // That it says its calls does not mean that its cost is nothing.
    const known = meter === "runtime_minutes" || floor[meter] > 0 || used[FIELD_OF[meter]] !== null;
    const said = trust === "none" || !known ? "unknown" : String(rounded(floor[meter]));
    const of = limit === null ? "no limit" : String(limit);
    const percent =
      limit === null || said === "unknown" ? "" : ` (${Math.floor(partOf(floor[meter], limit) * 100)} %)`;
    const origin = raise === null ? "" : `, raised from ${raise.from} by ${actorText(raise.by)}`;
    const text = `${said} of ${of}${percent}, ${METER_SOURCE[trust]}${origin}`;
    return { meter, trust, known: said !== "unknown", text };
  });
}

const FIELD_OF = { llm_calls: "llmCalls", cost_usd: "costMicros" } as const;

/** Who counted, after how far that can be trusted. */
export const METER_SOURCE: Readonly<Record<MeterTrust, string>> = {
  metered: "metered by us",
  reported: "reported by its agent",
  derived: "derived from its agent's tokens and the prices of fleet.yaml",
  none: "unknown: the agent reports none",
};

export function higher(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.max(a, b);
}

/** Thousandths are enough for people, and keep a record free of noise. */
export function rounded(used: number): number {
  return Math.round(used * 1000) / 1000;
}
