/** Caps of a day: what all clones, and what one clone, may use from midnight to midnight. */

import { SUPERVISOR } from "../../model/actor.ts";
import { DEFAULT_THRESHOLDS, partOf, rounded } from "../../model/budget-rule.ts";
import { type Calendar, createCalendar } from "../../model/calendar.ts";
import type { CloneState, Spent } from "../../model/clone-state.ts";
import type { FleetPolicy } from "../../model/desired.ts";
import type { CloneEvent } from "../../model/event.ts";
import type { Hold } from "../../model/hold.ts";
import type { Signal } from "../../model/instance.ts";
import type { Instant } from "../../model/time.ts";
import { type Step, stay } from "../step.ts";
import { usedByInstance } from "./budget.ts";

/** A day of the fleet and what was used in it, made once per look at all clones. */
export interface FleetDay {
  /** The date in the fleet's time zone, with that zone: `2026-11-23 Europe/Berlin`. */
  readonly day: string;
  readonly endsAt: Instant;
  /** Of all clones together, as far as they said. */
  readonly used: Spent;
  /** Clones that work and say no number at all: the sum is at least what it says. */
  readonly silent: number;
  readonly caps: FleetPolicy["dayCaps"];
  /** Part of a cap at which clones are held. */
  readonly pausePart: number;
}

/** Null where no cap of a day is declared: then no day is recorded, either. A cap counts from when it is declared. */
export function fleetDay(
  states: ReadonlyMap<string, CloneState>,
  signals: ReadonlyMap<string, Signal>,
  {
    policy,
    now,
    calendar = createCalendar(),
  }: { readonly policy: FleetPolicy | null; readonly now: Instant; readonly calendar?: Calendar },
): FleetDay | null {
  if (policy === null || !hasDayCaps(policy.dayCaps)) return null;
  const { timezone } = policy.dayCaps;
  const { date, endsAt } = calendar.dayAt(timezone, now);
  const day = `${date} ${timezone}`;
  let [llmCalls, costMicros, silent] = [0, 0, 0];
  for (const state of states.values()) {
    const used = usedOn(state, signals.get(state.name), day);
    llmCalls += used.llmCalls;
    costMicros += used.costMicros;
    if (state.instance?.acceptedAt != null && state.mission?.trust === "none") silent += 1;
  }
  const percent = (policy.defaults.budgetThresholds ?? DEFAULT_THRESHOLDS).pause_percent;
  return {
    day,
    endsAt,
    used: { llmCalls, costMicros },
    silent,
    caps: policy.dayCaps,
    pausePart: percent / 100,
  };
}

/**
 * Writes down where the clone's day begins, holds its mission when a cap of the
 * day is reached, and lets it go when it no longer is: the day is over, or the cap was raised.
 */
export function dueDay(
  state: CloneState,
  signal: Signal | undefined,
  { at, now }: { at: FleetDay | null; now: Instant },
): CloneEvent[] {
  const { mission } = state;
  if (at === null || mission === null || mission.terminal !== null) return releases(state, {});
  if (state.day?.day !== at.day) return [{ type: "day.began", day: at.day, ...lifetime(state, signal) }];
  const own = usedOn(state, signal, at.day);
  const { caps } = at;
  const wanted: Partial<Record<string, string>> = {
    ...reached(DAY_OF_CLONE, at, {
      used: own,
      maxCostUsd: caps.maxCostUsdPerClone,
      maxLlmCalls: caps.maxLlmCallsPerClone,
    }),
    ...reached(DAY_OF_FLEET, at, {
      used: at.used,
      maxCostUsd: caps.maxCostUsd,
      maxLlmCalls: caps.maxLlmCalls,
    }),
  };
  const held = new Set(state.holds.filter(isDayHold).map(({ owner }) => owner));
  const placed = Object.entries(wanted).flatMap(([owner, message = ""]): CloneEvent[] =>
    held.has(owner)
      ? []
      : [{ type: "hold.placed", by: SUPERVISOR, hold: dayHold(owner, message, { at, now }) }],
  );
  return [...placed, ...releases(state, wanted)];
}

export function onDayBegan(state: CloneState, event: Extract<CloneEvent, { type: "day.began" }>): Step {
  const { day, llmCalls, costMicros } = event;
  if (state.day?.day === day) return stay(state, "it has begun already");
  return stay({ ...state, day: { day, llmCalls, costMicros } });
}

/** Owners of the holds: each cap holds by itself. */
export const DAY_OF_CLONE = "day:clone";
export const DAY_OF_FLEET = "day:fleet";

export function isDayHold({ kind, owner }: Hold): boolean {
  return kind === "budget" && (owner === DAY_OF_CLONE || owner === DAY_OF_FLEET);
}

function dayHold(owner: string, message: string, { at, now }: { at: FleetDay; now: Instant }): Hold {
  return {
    kind: "budget",
    owner,
    since: now,
    reason: "DailyCapReached",
    message,
    clearBy: "repository",
    until: at.endsAt,
  };
}

function releases(state: CloneState, wanted: Partial<Record<string, string>>): CloneEvent[] {
  if (state.holds.length === 0) return [];
  return state.holds
    .filter((hold) => isDayHold(hold) && wanted[hold.owner] === undefined)
    .map(({ kind, owner }) => ({
      type: "hold.released",
      kind,
      owner,
      by: SUPERVISOR,
      reason: "the cap of the day is not reached any longer",
    }));
}

function reached(
  owner: string,
  at: FleetDay,
  { used, maxCostUsd, maxLlmCalls }: { used: Spent; maxCostUsd: number | null; maxLlmCalls: number | null },
): Partial<Record<string, string>> {
  const usd = used.costMicros / 1_000_000;
  const whose = owner === DAY_OF_FLEET ? "the fleet's" : "the clone's";
  const says = (meter: string, amount: number, cap: number): Partial<Record<string, string>> => ({
    [owner]: `${whose} ${meter} of ${at.day.split(" ")[0]} is at ${rounded(amount)} of ${cap}; held from ${Math.round(at.pausePart * 100)} % on until the day is over or fleet.yaml allows more`,
  });
  if (maxCostUsd !== null && usd > 0 && partOf(usd, maxCostUsd) >= at.pausePart)
    return says("cost_usd", usd, maxCostUsd);
  if (maxLlmCalls !== null && used.llmCalls > 0 && partOf(used.llmCalls, maxLlmCalls) >= at.pausePart)
    return says("llm_calls", used.llmCalls, maxLlmCalls);
  return {};
}

/** What the clone used on a day, as far as it said; nothing where that day has not begun for it. */
export function usedOn(state: CloneState, signal: Signal | undefined, day: string): Spent {
  if (state.day?.day !== day) return { llmCalls: 0, costMicros: 0 };
  const now = lifetime(state, signal);
  return {
    llmCalls: Math.max(0, now.llmCalls - state.day.llmCalls),
    costMicros: Math.max(0, now.costMicros - state.day.costMicros),
  };
}

function lifetime(state: CloneState, signal: Signal | undefined): Spent {
  const used = usedByInstance(state.instance, signal);
  return {
    llmCalls: state.spent.llmCalls + (used.llmCalls ?? 0),
    costMicros: state.spent.costMicros + (used.costMicros ?? 0),
  };
}

function hasDayCaps(caps: FleetPolicy["dayCaps"]): boolean {
  return [caps.maxCostUsd, caps.maxLlmCalls, caps.maxCostUsdPerClone, caps.maxLlmCallsPerClone].some(
    (cap) => cap !== null,
  );
}
