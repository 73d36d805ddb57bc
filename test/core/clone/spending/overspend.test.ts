/** Who spends although it is paused, and what is needed to say so. */
import { describe, expect, test } from "vitest";
import { SETTLE_MS } from "../../../../src/core/clone/limits.ts";
import { dueRunaway, UNCONFIRMED_MS, UNKNOWING_MS } from "../../../../src/core/clone/spending/overspend.ts";
import type { CloneState, InstanceState } from "../../../../src/core/model/clone-state.ts";
import type { Signal } from "../../../../src/core/model/instance.ts";
import { Life, T0 } from "../../../support/fleet.ts";

const PAUSED = T0 + 100_000;
const NOW = PAUSED + 60_000;

/** Paused at that time, with this much settled, and at a limit of 10 dollars and 100 calls. */
function paused(change: Partial<InstanceState> = {}): CloneState {
  const life = new Life().running({
    limits: { budget: { max_runtime_minutes: 600, max_llm_calls: 100, max_cost_usd: 10 } },
  });
  const { instance, mission } = life.state;
  if (instance === null || mission === null) throw new Error("it does not run");
  const settled = { llmCalls: 50, costMicros: 5_000_000, rises: 1 };
  return {
    ...life.state,
    mission: { ...mission, trust: "metered" },
    instance: {
      ...instance,
      pauseAsked: true,
      paused: true,
      pauseAskedAt: PAUSED - 1_000,
      pausedAt: PAUSED,
      llmCalls: 50,
      costMicros: 5_000_000,
      settled,
      ...change,
    },
  };
}
function says(
  llmCalls: number | null,
  usd: number | null,
  at = NOW,
  change: Partial<Signal["heartbeat"]> = {},
): Signal {
  return {
    receivedAt: at,
    heartbeat: {
      missionId: null,
      clone: "scribe",
      epoch: 1,
      seq: 9,
      lastEventSeq: 9,
      phase: "paused",
      lastEventAgeMs: 0,
      lastProgressAgeMs: 0,
      openToolCalls: [],
      usage: { llmCalls, costMicros: usd === null ? null : usd * 1_000_000, activeMs: 0 },
      ...change,
    },
  };
}
const look = (state: CloneState, signal: Signal | undefined, now = NOW, watchingSince = 0) =>
  dueRunaway(state, signal, { now, watchingSince });
const types = (...args: Parameters<typeof look>) => look(...args).map(({ type }) => type);
const NOT_CONFIRMED = { pausedAt: null, pauseAskedAt: PAUSED };

describe("one that is paused", () => {
  test.each<[string, Signal, readonly string[]]>([
    ["and uses no more is left", says(50, 5), []],
    ["and uses more calls spends", says(51, 5), ["instance.used", "runaway.detected"]],
    ["and uses more money spends", says(50, 5.1), ["instance.used", "runaway.detected"]],
  ])("%s", (_, signal, wanted) => expect(types(paused(), signal)).toEqual(wanted));

  test("is given one rise: it may be a line that had waited", () => {
    const settled = { llmCalls: 50, costMicros: 5_000_000, rises: 0 };
    expect(look(paused({ settled }), says(51, 5))).toEqual([
      { type: "instance.used", epoch: 1, llmCalls: 51, costMicros: 5_000_000 },
    ]);
    expect(types(paused({ settled, llmCalls: 51 }), says(51, 5))).toEqual([]);
    expect(types(paused({ llmCalls: 51, settled: { ...settled, rises: 2 } }), says(51, 5))).toEqual([
      "runaway.detected",
    ]);
  });

  test("is measured by what it had used when the pause had settled", () => {
    expect(look(paused({ settled: null }), says(60, 6))).toEqual([
      { type: "instance.settled", epoch: 1, llmCalls: 60, costMicros: 6_000_000 },
    ]);
  });

  test.each<[string, number, "paused" | "running", readonly string[]]>([
    ["before the pause has settled", SETTLE_MS - 1, "paused", []],
    ["once it has", SETTLE_MS, "paused", ["instance.settled"]],
    ["of a shim that does not know, not yet", UNKNOWING_MS - 1, "running", []],
    ["of a shim that does not know, later", UNKNOWING_MS, "running", ["instance.settled"]],
  ])("%s", (_, afterMs, phase, wanted) => {
    expect(types(paused({ settled: null }), says(60, 6, PAUSED + afterMs, { phase }))).toEqual(wanted);
  });

  test("counts from our first look, where we were away or the clock was set", () => {
    const signal = says(60, 6, PAUSED + SETTLE_MS);
    expect(types(paused({ settled: null }), signal, NOW, PAUSED + 1)).toEqual([]);
    expect(types(paused({ settled: null }), signal, PAUSED - 5_000, PAUSED)).toEqual(["instance.settled"]);
    expect(types(paused({ settled: null }), signal, PAUSED - 5_000, PAUSED + 1)).toEqual([]);
  });

  test("and whose pause nobody confirmed is ended only beyond the hard stop", () => {
    const open = paused(NOT_CONFIRMED);
    expect(types(open, says(60, 6))).toEqual(["instance.used"]);
    expect(types(open, says(100, 6))).toEqual(["instance.used", "runaway.detected"]);
    expect(types(open, says(60, 10))).toEqual(["instance.used", "runaway.detected"]);
    expect(types(open, says(99, 9.9))).toEqual(["instance.used"]);
    expect(
      types({ ...paused({ ...NOT_CONFIRMED, settled: null }) }, says(60, 6, PAUSED + UNCONFIRMED_MS - 1)),
    ).toEqual([]);
    expect(
      types({ ...paused({ ...NOT_CONFIRMED, settled: null }) }, says(60, 6, PAUSED + UNCONFIRMED_MS)),
    ).toEqual(["instance.settled"]);
  });
});

describe("what is said of it", () => {
  const found = (state: CloneState, signal: Signal) =>
    look(state, signal).find(({ type }) => type === "runaway.detected");

  test("names the meter that is beyond its limit, else the one that rose", () => {
    expect(found(paused(), says(100, 5.5))).toMatchObject({ meter: "llm_calls", used: 100, limit: 100 });
    expect(found(paused(), says(60, 10))).toMatchObject({ meter: "cost_usd", used: 10, limit: 10 });
    expect(found(paused(), says(60, 5.5))).toMatchObject({ meter: "cost_usd", used: 5.5, limit: 10 });
    expect(found(paused(), says(60, 5))).toMatchObject({ meter: "llm_calls", used: 60, limit: 100 });
    const unlimited = paused();
    const mission = unlimited.mission;
    if (mission === null) throw new Error("no mission");
    const budget = { max_runtime_minutes: 600, max_llm_calls: null, max_cost_usd: null };
    const free = { ...unlimited, mission: { ...mission, limits: { ...mission.limits, budget } } };
    expect(found(free, says(1_000, 100))).toMatchObject({ meter: "cost_usd", limit: null });
  });

  test("says since when, and from what to what", () => {
    const seen = found(paused(), says(60, 5.5));
    expect(seen).toMatchObject({
      evidence: `the pause was confirmed at ${new Date(PAUSED).toISOString()}; then cost_usd went from 5 to 5.5, llm_calls from 50 to 60`,
    });
    const settled = { llmCalls: null, costMicros: null, rises: 2 };
    expect(
      found(paused({ ...NOT_CONFIRMED, settled, llmCalls: null, costMicros: null }), says(100, null)),
    ).toMatchObject({
      evidence: `a pause was asked for at ${new Date(PAUSED).toISOString()} and never confirmed; then cost_usd went from unknown to unknown, llm_calls from unknown to 100`,
    });
  });
});

describe("nobody is said to spend", () => {
  const state = paused();
  const mission = state.mission;
  const instance = state.instance;
  test.each<[string, CloneState, Signal | undefined]>([
    ["who is not heard", state, undefined],
    ["of whom an older epoch is heard", state, says(60, 6, NOW, { epoch: 0 })],
    ["who has no instance", { ...state, instance: null }, says(60, 6)],
    ["who has no mission", { ...state, mission: null }, says(60, 6)],
    [
      "whose mission is over",
      {
        ...state,
        mission:
          mission === null
            ? null
            : {
                ...mission,
                terminal: {
                  status: "failed",
                  at: T0,
                  reason: "",
                  by: { type: "instance", clone: "scribe", epoch: 1 },
                },
              },
      },
      says(60, 6),
    ],
    ["who is in another phase", { ...state, phase: "Stopping" }, says(60, 6)],
    [
      "who is being stopped",
      { ...state, instance: instance === null ? null : { ...instance, stopping: { type: "mission_over" } } },
      says(60, 6),
    ],
    ["who was not asked to pause", paused({ pauseAskedAt: null }), says(60, 6)],
  ])("%s", (_, of, signal) => expect(look(of, signal)).toEqual([]));
});
