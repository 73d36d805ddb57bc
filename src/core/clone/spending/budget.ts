/** Meters against their limits: what was crossed, and what follows. */

import { actorText } from "../../model/actor.ts";
import {
  crossingsOf,
  LIMIT_OF,
  type Meters,
  metersOfSpending,
  partOf,
  rounded,
  type Spending,
} from "../../model/budget-rule.ts";
import type { CloneState, InstanceState, MissionState } from "../../model/clone-state.ts";
import { type CloneEvent, METERS, type MeterName } from "../../model/event.ts";
import type { Signal } from "../../model/instance.ts";
import { METER_TRUSTS, type MeterOrigin, type MeterTrust } from "../../model/mission.ts";
import type { Instant } from "../../model/time.ts";
import { type Step, stay, withInstance, withMission } from "../step.ts";
import { activeMsOf } from "./active-time.ts";
import { limitsInForce, raiseOf } from "./raise.ts";

type Of<T extends CloneEvent["type"]> = Extract<CloneEvent, { type: T }>;

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
): Meters {
  const own = { activeMs, llmCalls: used.llmCalls ?? 0, costMicros: used.costMicros ?? 0 };
  return metersOfSpending({ ...spentByEarlier(state, mission), activeMs: 0 }, own);
}

/** Calls and cost of the mission's instances that are over. */
export function spentByEarlier(
  { spent }: CloneState,
  { spentBefore }: MissionState,
): Pick<Spending, "llmCalls" | "costMicros"> {
  return {
    llmCalls: spent.llmCalls - spentBefore.llmCalls,
    costMicros: spent.costMicros - spentBefore.costMicros,
  };
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
  const reached = crossingsOf(
    floor,
    { budget: limits.budget, thresholds: limits.budget_thresholds },
    mission.crossed,
  );
  const crossed = reached
    .filter(({ meter }) => meter !== "runtime_minutes" || !wordsMayWait)
    .map((crossing): CloneEvent => ({ type: "budget.crossed", ...crossing }));
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
