/** What a day's caps count, whom they hold, and in whose name. */

import { describe, expect, test } from "vitest";
import {
  DAY_OF_CLONE,
  DAY_OF_FLEET,
  dueDay,
  type FleetDay,
  fleetDay,
  usedOn,
} from "../../../../src/core/clone/spending/day-caps.ts";
import { SUPERVISOR } from "../../../../src/core/model/actor.ts";
import { createCalendar } from "../../../../src/core/model/calendar.ts";
import type { CloneState } from "../../../../src/core/model/clone-state.ts";
import { DEFAULT_FLEET_POLICY, type FleetPolicy } from "../../../../src/core/model/desired.ts";
import type { CloneEvent } from "../../../../src/core/model/event.ts";
import type { Hold } from "../../../../src/core/model/hold.ts";
import type { Signal } from "../../../../src/core/model/instance.ts";
import { HOUR_MS } from "../../../../src/core/model/time.ts";
import { Life, T0 } from "../../../support/fleet.ts";

const TODAY = "2026-11-23 UTC";
const ENDS = Date.UTC(2026, 10, 24);
const NOW = T0 + HOUR_MS;
type Caps = FleetPolicy["dayCaps"];
const capsOf = (caps: Partial<Caps>): Caps => ({ ...DEFAULT_FLEET_POLICY.dayCaps, ...caps });
const policy = (caps: Partial<Caps>): FleetPolicy => ({ ...DEFAULT_FLEET_POLICY, dayCaps: capsOf(caps) });

/** At work since midnight, having used this much before. */
function lane(name: string, before = { llmCalls: 0, costMicros: 0 }): CloneState {
  const life = new Life(name).running().on({ type: "day.began", day: TODAY, ...before });
  return { ...life.state, spent: before };
}
function says(state: CloneState, llmCalls: number | null, usd: number | null): Signal {
  return {
    receivedAt: NOW,
    heartbeat: {
      missionId: null,
      clone: state.name,
      epoch: state.epoch,
      seq: 9,
      lastEventSeq: 0,
      phase: "running",
      lastEventAgeMs: 0,
      lastProgressAgeMs: 0,
      openToolCalls: [],
      usage: { llmCalls, costMicros: usd === null ? null : usd * 1_000_000, activeMs: 0 },
    },
  };
}
const day = (used: Partial<FleetDay["used"]>, caps: Partial<Caps>): FleetDay => ({
  day: TODAY,
  endsAt: ENDS,
  used: { llmCalls: 0, costMicros: 0, ...used },
  silent: 0,
  caps: capsOf(caps),
  pausePart: 0.9,
});
const hold = (change: Partial<Hold> = {}): Hold => ({
  kind: "budget",
  owner: DAY_OF_CLONE,
  since: T0,
  reason: "DailyCapReached",
  message: "",
  clearBy: "repository",
  ...change,
});
const told = (events: readonly CloneEvent[]) =>
  events.map((event) =>
    event.type === "hold.placed"
      ? `hold ${event.hold.owner}`
      : event.type === "hold.released"
        ? `release ${event.owner}`
        : event.type,
  );

describe("a day of the fleet", () => {
  const [a, b] = [lane("a"), lane("b", { llmCalls: 100, costMicros: 7_000_000 })];
  const of = (
    states: readonly CloneState[],
    signals: readonly Signal[] = [],
    given = policy({ maxCostUsd: 10 }),
  ) =>
    fleetDay(
      new Map(states.map((state) => [state.name, state])),
      new Map(signals.map((signal) => [signal.heartbeat.clone, signal])),
      { policy: given, now: NOW },
    );

  test("adds up what everybody used since midnight", () => {
    expect(of([a, b], [says(a, 3, 1), says(b, 5, 2)])).toEqual({
      day: TODAY,
      endsAt: ENDS,
      used: { llmCalls: 8, costMicros: 3_000_000 },
      silent: 2, // What they say is not on record yet.
      caps: capsOf({ maxCostUsd: 10 }),
      pausePart: 0.9,
    });
  });

  test("counts those that work and say no number", () => {
    const silent = (state: CloneState): CloneState => ({
      ...state,
      mission: state.mission === null ? null : { ...state.mission, trust: "none" },
    });
    const metered = (state: CloneState): CloneState => ({
      ...state,
      mission: state.mission === null ? null : { ...state.mission, trust: "metered" },
    });
    const accepted = (state: CloneState, acceptedAt: number | null): CloneState => ({
      ...state,
      instance: state.instance === null ? null : { ...state.instance, acceptedAt },
    });
    expect(of([accepted(silent(a), T0), accepted(silent(b), T0)])?.silent).toBe(2);
    expect(of([accepted(metered(a), T0), accepted(silent(b), null)])?.silent).toBe(0);
    expect(
      of([
        { ...silent(a), instance: null },
        { ...accepted(a, T0), mission: null },
      ])?.silent,
    ).toBe(0);
  });

  test.each<[string, FleetPolicy | null, boolean]>([
    ["no policy is known", null, false],
    ["no cap is declared", policy({}), false],
    ["the fleet's cost is capped", policy({ maxCostUsd: 1 }), true],
    ["the fleet's calls are capped", policy({ maxLlmCalls: 1 }), true],
    ["a clone's cost is capped", policy({ maxCostUsdPerClone: 1 }), true],
    ["a clone's calls are capped", policy({ maxLlmCallsPerClone: 1 }), true],
  ])("is kept where %s: %s", (_, given, kept) =>
    expect(of([a], [], given as FleetPolicy) !== null).toBe(kept),
  );

  test("holds from the part on that the fleet says", () => {
    const thresholds = { notify_percent: 10, warn_percent: 20, pause_percent: 30 };
    const given = {
      ...policy({ maxCostUsd: 1 }),
      defaults: { ...DEFAULT_FLEET_POLICY.defaults, budgetThresholds: thresholds },
    };
    expect(of([a], [], given)?.pausePart).toBe(0.3);
  });
});

describe("what was used on a day", () => {
  const state = lane("a", { llmCalls: 10, costMicros: 5_000_000 });

  test("is what came since it began, and never less than nothing", () => {
    expect(usedOn(state, says(state, 4, 2), TODAY)).toEqual({ llmCalls: 4, costMicros: 2_000_000 });
    expect(usedOn(state, undefined, TODAY)).toEqual({ llmCalls: 0, costMicros: 0 });
    const restored = { ...state, spent: { llmCalls: 0, costMicros: 0 } };
    expect(usedOn(restored, says(state, 4, 2), TODAY)).toEqual({ llmCalls: 0, costMicros: 0 });
  });

  test("is nothing on a day that has not begun for it", () => {
    expect(usedOn(state, says(state, 4, 2), "2026-11-24 UTC")).toEqual({ llmCalls: 0, costMicros: 0 });
    expect(usedOn({ ...state, day: null }, says(state, 4, 2), TODAY)).toEqual({ llmCalls: 0, costMicros: 0 });
  });
});

describe("a cap of a day", () => {
  const state = lane("a");
  const look = (at: FleetDay | null, signal: Signal | undefined = undefined, of = state) =>
    dueDay(of, signal, { at, now: NOW });

  test("begins with what was used before it", () => {
    const other = { ...day({}, { maxCostUsd: 1 }), day: "2026-11-24 UTC" };
    expect(look(other, says(state, 4, 2))).toEqual([
      { type: "day.began", day: "2026-11-24 UTC", llmCalls: 4, costMicros: 2_000_000 },
    ]);
    expect(look(other, undefined, { ...state, day: null })).toEqual([
      { type: "day.began", day: "2026-11-24 UTC", llmCalls: 0, costMicros: 0 },
    ]);
    const life = new Life().running().on({ type: "day.began", day: TODAY, llmCalls: 1, costMicros: 2 });
    expect(
      life.on({ type: "day.began", day: TODAY, llmCalls: 9, costMicros: 9 }).last?.ignored,
    ).toBeDefined();
    expect(life.state.day).toEqual({ day: TODAY, llmCalls: 1, costMicros: 2 });
  });

  test("holds in its own name until the day is over", () => {
    expect(look(day({ costMicros: 9_000_000 }, { maxCostUsd: 10 }))).toEqual([
      {
        type: "hold.placed",
        by: SUPERVISOR,
        hold: {
          kind: "budget",
          owner: DAY_OF_FLEET,
          since: NOW,
          reason: "DailyCapReached",
          message:
            "the fleet's cost_usd of 2026-11-23 is at 9 of 10; held from 90 % on until the day is over or fleet.yaml allows more",
          clearBy: "repository",
          until: ENDS,
        },
      },
    ]);
  });

  test.each<[string, Partial<FleetDay["used"]>, Partial<Caps>, readonly [number, number], readonly string[]]>(
    [
      [
        "nothing used of nothing allowed",
        {},
        { maxCostUsd: 0, maxLlmCalls: 0, maxCostUsdPerClone: 0, maxLlmCallsPerClone: 0 },
        [0, 0],
        [],
      ],
      ["the fleet's cost just below", { costMicros: 8_999_999 }, { maxCostUsd: 10 }, [0, 0], []],
      ["the fleet's cost", { costMicros: 9_000_000 }, { maxCostUsd: 10 }, [0, 0], ["hold day:fleet"]],
      ["the fleet's calls just below", { llmCalls: 89 }, { maxLlmCalls: 100 }, [0, 0], []],
      ["the fleet's calls", { llmCalls: 90 }, { maxLlmCalls: 100 }, [0, 0], ["hold day:fleet"]],
      [
        "the fleet's calls, its cost below",
        { llmCalls: 90, costMicros: 1 },
        { maxLlmCalls: 100, maxCostUsd: 10 },
        [0, 0],
        ["hold day:fleet"],
      ],
      ["the clone's cost", {}, { maxCostUsdPerClone: 1 }, [0, 0.9], ["hold day:clone"]],
      ["the clone's calls just below", {}, { maxLlmCallsPerClone: 10 }, [8, 0], []],
      ["the clone's calls", {}, { maxLlmCallsPerClone: 10 }, [9, 0], ["hold day:clone"]],
      [
        "both",
        { llmCalls: 99 },
        { maxLlmCalls: 100, maxLlmCallsPerClone: 10 },
        [9, 0],
        ["hold day:clone", "hold day:fleet"],
      ],
      ["calls that nobody capped", { llmCalls: 999 }, { maxCostUsd: 10 }, [999, 0], []],
      ["cost that nobody capped", { costMicros: 99_000_000 }, { maxLlmCalls: 10 }, [0, 99], []],
    ],
  )("reached by %s", (_, used, caps, [calls, usd], wanted) => {
    expect(told(look(day(used, caps), says(state, calls, usd)))).toEqual(wanted);
  });

  test("says of whom and of what", () => {
    const message = (caps: Partial<Caps>, used: Partial<FleetDay["used"]>, signal?: Signal) => {
      const [event] = look(day(used, caps), signal);
      return event?.type === "hold.placed" ? event.hold.message.split(";")[0] : null;
    };
    expect(message({ maxLlmCalls: 100 }, { llmCalls: 95 })).toBe(
      "the fleet's llm_calls of 2026-11-23 is at 95 of 100",
    );
    expect(message({ maxLlmCallsPerClone: 10 }, {}, says(state, 9, null))).toBe(
      "the clone's llm_calls of 2026-11-23 is at 9 of 10",
    );
    expect(message({ maxCostUsdPerClone: 2 }, {}, says(state, null, 1.9))).toBe(
      "the clone's cost_usd of 2026-11-23 is at 1.9 of 2",
    );
  });

  test("holds once, and lets go of what is no longer reached, and of nothing else", () => {
    const both = day({ costMicros: 9_500_000 }, { maxCostUsd: 10 });
    const others = [hold({ kind: "operator" }), hold({ owner: "supervisor" })];
    expect(look(both, undefined, { ...state, holds: [hold({ owner: DAY_OF_FLEET }), ...others] })).toEqual(
      [],
    );
    expect(told(look(both, undefined, { ...state, holds: others }))).toEqual(["hold day:fleet"]);
    const freed = look(both, undefined, {
      ...state,
      holds: [hold(), hold({ owner: DAY_OF_FLEET }), ...others],
    });
    expect(freed).toEqual([
      {
        type: "hold.released",
        kind: "budget",
        owner: DAY_OF_CLONE,
        by: SUPERVISOR,
        reason: "the cap of the day is not reached any longer",
      },
    ]);
  });

  test("holds nobody whose mission is over, and nobody without one", () => {
    const over = new Life("a").running().reports("mission.failed");
    const reached = day({ costMicros: 9_500_000 }, { maxCostUsd: 10 });
    for (const of of [
      { ...over.state, day: state.day },
      { ...state, mission: null },
    ]) {
      expect(look(reached, undefined, of)).toEqual([]);
      expect(told(look(reached, undefined, { ...of, holds: [hold()] }))).toEqual(["release day:clone"]);
    }
    expect(told(look(null, undefined, { ...state, holds: [hold(), hold({ owner: DAY_OF_FLEET })] }))).toEqual(
      ["release day:clone", "release day:fleet"],
    );
    expect(look(null)).toEqual([]);
  });
});

test("a day of the fleet is told of every zone by itself, and of the same zone at another time", () => {
  const calendar = createCalendar();
  const dayAt = (timezone: string, now: number) =>
    fleetDay(new Map(), new Map(), { policy: policy({ timezone, maxCostUsd: 1 }), now, calendar });
  for (const _ of [1, 2]) {
    expect(dayAt("Asia/Tokyo", T0)?.day).toBe("2026-11-23 Asia/Tokyo");
    expect(dayAt("Asia/Tokyo", T0 + 3 * HOUR_MS)).toMatchObject({
      day: "2026-11-24 Asia/Tokyo",
      endsAt: T0 + 27 * HOUR_MS,
    });
    expect(dayAt("Asia/Tokyo", T0 - 24 * HOUR_MS)?.day).toBe("2026-11-22 Asia/Tokyo");
    expect(dayAt("UTC", ENDS - 1)).toMatchObject({ day: TODAY, endsAt: ENDS });
    expect(dayAt("UTC", ENDS)).toMatchObject({ day: "2026-11-24 UTC", endsAt: ENDS + 24 * HOUR_MS });
  }
});
