import { describe, expect, test } from "vitest";
import { due } from "../../../../src/core/clone/due.ts";
import { SETTLE_MS } from "../../../../src/core/clone/limits.ts";
import { meterLines } from "../../../../src/core/clone/spending/budget.ts";
import { fleetDay } from "../../../../src/core/clone/spending/day-caps.ts";
import { UNCONFIRMED_MS, UNKNOWING_MS } from "../../../../src/core/clone/spending/overspend.ts";
import { limitsInForce } from "../../../../src/core/clone/spending/raise.ts";
import { operator } from "../../../../src/core/model/actor.ts";
import { DEFAULT_FLEET_POLICY, type FleetPolicy } from "../../../../src/core/model/desired.ts";
import type { CloneEvent } from "../../../../src/core/model/event.ts";
import type { AgentPhase, Signal } from "../../../../src/core/model/instance.ts";
import type { Budget, MissionLimits } from "../../../../src/core/model/mission.ts";
import { HOUR_MS, MINUTE_MS } from "../../../../src/core/model/time.ts";
import { aMission, Life } from "../../../support/fleet.ts";

const WATCH = { watchingSince: 0, lagMs: 0 };
const BUDGET: Budget = { max_runtime_minutes: 600, max_llm_calls: 100, max_cost_usd: 5 };

function heard(
  life: Life,
  usage: { usd?: number | null; calls?: number | null },
  change: { at?: number; phase?: AgentPhase } = {},
): Signal {
  const { usd = null, calls = null } = usage;
  return {
    receivedAt: change.at ?? life.at,
    heartbeat: {
      missionId: null,
      clone: life.state.name,
      epoch: life.state.epoch,
      seq: 1,
      lastEventSeq: 0,
      phase: change.phase ?? "running",
      lastEventAgeMs: 0,
      lastProgressAgeMs: 0,
      openToolCalls: [],
      usage: { llmCalls: calls, costMicros: usd === null ? null : Math.round(usd * 1e6), activeMs: 0 },
    },
  };
}

const SPENDING: readonly CloneEvent["type"][] = [
  "instance.used",
  "instance.settled",
  "budget.crossed",
  "runaway.detected",
];

function spending(life: Life, signal: Signal, now = signal.receivedAt): CloneEvent[] {
  return due(life.state, signal, now, WATCH).filter(({ type }) => SPENDING.includes(type));
}

/** Records what is due for these heartbeats, one after the other. */
function hears(life: Life, ...signals: readonly Signal[]): Life {
  for (const signal of signals)
    for (const event of spending(life, signal)) life.on(event, Math.max(0, signal.receivedAt - life.at));
  return life;
}

function running(limits: Partial<MissionLimits> = {}): Life {
  return new Life().running({ limits: { budget: BUDGET, ...limits } });
}

function paused(): Life {
  const life = running();
  hears(life, heard(life, { usd: 4.6 }));
  return life.on({ type: "instance.paused", epoch: 1 }, 100);
}

const levels = (events: readonly CloneEvent[]): string[] =>
  events.flatMap((event) => (event.type === "budget.crossed" ? [`${event.meter} ${event.level}`] : []));

describe("a meter", () => {
  test.each<[string, { usd?: number; calls?: number }, string[]]>([
    ["below every threshold", { usd: 2.4, calls: 49 }, []],
    ["at half", { usd: 2.5 }, ["cost_usd notify"]],
    ["at 80 %", { calls: 80 }, ["llm_calls warn"]],
    ["at 90 %", { usd: 4.5, calls: 50 }, ["llm_calls notify", "cost_usd pause"]],
    ["beyond its limit in one step", { usd: 7.5 }, ["cost_usd stop"]],
  ])("%s", (_, usage, crossed) => {
    const life = running();
    expect(levels(spending(life, heard(life, usage)))).toEqual(crossed);
  });

  test("has the thresholds that its mission declares", () => {
    const life = running({
      budget_thresholds: { notify_percent: 10, warn_percent: 20, pause_percent: 30 },
    });
    expect(levels(spending(life, heard(life, { usd: 1.6 })))).toEqual(["cost_usd pause"]);
  });

  test("that is never said crosses nothing, also where its limit is none at all", () => {
    const life = running({ budget: { ...BUDGET, max_llm_calls: 0 } });
    expect(spending(life, heard(life, {}))).toEqual([]);
    expect(levels(spending(life, heard(life, { calls: 1 })))).toEqual(["llm_calls stop"]);
    expect(meterLines(life.state, life.at)).toEqual([
      "runtime_minutes: 0 of 600 (0 %), metered by us",
      "llm_calls: unknown of 0, unknown: the agent reports none",
      "cost_usd: unknown of 5, unknown: the agent reports none",
    ]);
  });

  test("counts what earlier instances said, also when one of them said nothing", () => {
    const life = running();
    hears(life, heard(life, { usd: 3 }));
    life.reports("instance.exited", { detail: { code: 1, signal: null, signature: "s" } }).dead();
    life.on({ type: "deadline.passed", deadline: "backoff", epoch: 1, evidence: "" });
    life.prepared().launched().ready().dispatched().reports("mission.accepted");
    expect(levels(spending(life, heard(life, { usd: 1.6 })))).toEqual(["cost_usd pause"]);
  });

  test("is recorded in steps, not with every heartbeat", () => {
    const life = running();
    hears(life, heard(life, { usd: 1 }));
    expect(spending(life, heard(life, { usd: 1.1 }))).toEqual([]);
    expect(spending(life, heard(life, { usd: 1.25 })).map(({ type }) => type)).toEqual(["instance.used"]);
  });
});

describe("at the threshold", () => {
  test("the mission is paused, asked about once, and not killed", () => {
    const life = running();
    hears(life, heard(life, { usd: 4.6 }), heard(life, { usd: 4.7 }), heard(life, { calls: 95 }));
    expect(life.state).toMatchObject({ phase: "Running", mission: { terminal: null } });
    expect(life.state.holds).toMatchObject([{ kind: "budget", clearBy: "decision" }]);
    expect(life.state.requests).toMatchObject([{ id: "audit.budget.1", answers: ["raise", "stop"] }]);
    expect(life.state.requests[0]?.evidence).toContain("llm_calls: 95 of 100 (95 %), reported by its agent");
  });

  test("time that is over ends it", () => {
    const life = running();
    const now = life.at + 601 * MINUTE_MS;
    const event = due(life.state, heard(life, {}, { at: now }), now, WATCH).find(
      ({ type }) => type === "budget.crossed",
    );
    life.on(event as CloneEvent, now - life.at);
    expect(life.state.mission?.terminal?.status).toBe("timed_out");
  });

  test("what is over is not asked about any longer", () => {
    const life = paused().on({ type: "kill.requested", by: operator("ann"), reason: "", now: true });
    expect(life.state.requests).toEqual([]);
    expect(life.state.holds).toEqual([]);
  });
});

describe("a raise", () => {
  const raise = (budget: object): CloneEvent => ({
    type: "request.decided",
    request: "audit.budget.1",
    decision: { type: "raise", budget },
    by: operator("ann"),
    reason: "",
  });
  const inForce = (life: Life) => life.state.mission && limitsInForce(life.state.mission).budget;
  const files = (budget: Partial<Budget>): CloneEvent => ({
    type: "mission.limits_changed",
    limits: { ...aMission("audit", "scribe").limits, budget: { ...BUDGET, ...budget } },
    revision: "b",
  });

  test("lets the same agent go on, and is recorded with before and after", () => {
    const life = paused().on(raise({ max_cost_usd: 8 }));
    expect(life.effects).toEqual(["configure", "resume"]);
    expect(inForce(life)).toEqual({ ...BUDGET, max_cost_usd: 8 });
    expect(life.state.mission?.raises.max_cost_usd).toMatchObject({ from: 5, to: 8, by: operator("ann") });
    expect(life.state.mission?.answered).toMatchObject([{ detail: "max_cost_usd: 5 → 8" }]);
    hears(life, heard(life, { usd: 7.3 }));
    expect(life.state.requests).toMatchObject([{ id: "audit.budget.2" }]);
  });

  test("is not undone by the file that it answered, nor by a change of another number", () => {
    const life = paused()
      .on(raise({ max_cost_usd: 8 }))
      .on(files({}));
    life.on(files({ max_llm_calls: 50 }));
    expect(inForce(life)).toEqual({ ...BUDGET, max_llm_calls: 50, max_cost_usd: 8 });
  });

  test.each([6, 3, 12])("ends when the file says another number, as %f", (max_cost_usd) => {
    const life = paused()
      .on(raise({ max_cost_usd: 8 }))
      .on(files({ max_cost_usd }));
    expect(inForce(life)?.max_cost_usd).toBe(max_cost_usd);
    life.on(files({}));
    expect(inForce(life)?.max_cost_usd).toBe(5);
  });

  test("ends when the fleet's caps fall below it", () => {
    const life = paused().on(raise({ max_cost_usd: 8 }));
    life.on({ type: "raise.ended", field: "max_cost_usd", reason: "the cap is 6 now", revision: "b" });
    expect(inForce(life)?.max_cost_usd).toBe(5);
    expect(levels(spending(life, heard(life, { usd: 4.7 })))).toEqual(["cost_usd pause"]);
  });

  test("of one meter leaves the question about another open", () => {
    const life = paused();
    hears(life, heard(life, { calls: 95 }));
    life.on(files({ max_cost_usd: 50 }));
    expect(life.state.requests).toHaveLength(1);
    life.on(files({ max_cost_usd: 50, max_llm_calls: 500 }));
    expect([life.state.requests, life.state.holds]).toEqual([[], []]);
  });
});

describe("spending while paused", () => {
  const later = (life: Life, ms: number, usd: number, phase: AgentPhase = "paused"): Signal =>
    heard(life, { usd }, { at: (life.state.instance?.pausedAt ?? life.at) + ms, phase });
  const detected = (life: Life) => life.state.mission?.incidents.some((one) => one.class === "runaway");

  test("what was on its way when the pause took hold is nobody's fault", () => {
    const life = paused();
    hears(life, later(life, 100, 4.8), later(life, SETTLE_MS - 1, 4.9), later(life, SETTLE_MS, 5.2));
    hears(life, later(life, 30_000, 5.2), later(life, 60_000, 5.2));
    expect(detected(life)).toBe(false);
    expect(life.state.instance?.settled).toEqual({ llmCalls: null, costMicros: 5_200_000, rises: 0 });
  });

  test("two rises after that are a runaway: failed, entered at SIGTERM, critical", () => {
    const life = paused();
    hears(life, later(life, 600, 4.8), later(life, 850, 4.9));
    expect(detected(life)).toBe(false);
    const event = spending(life, later(life, 1_100, 5)).at(-1);
    expect(event).toMatchObject({ type: "runaway.detected", meter: "cost_usd", used: 5, limit: 5 });
    life.on(event as CloneEvent);
    expect(life.last?.effects).toMatchObject([{ type: "stop", enter: "term" }]);
    expect(life.state.mission).toMatchObject({
      terminal: { status: "failed" },
      incidents: [{ class: "runaway", severity: "critical" }],
    });
  });

  test("also when reports tell of it, and under a pause that has nothing to do with money", () => {
    const life = running();
    life.on({
      type: "hold.placed",
      by: operator("ann"),
      hold: {
        kind: "operator",
        owner: "operator:ann",
        since: 0,
        reason: "P",
        message: "",
        clearBy: "operator",
      },
    });
    life.on({ type: "instance.paused", epoch: 1 });
    hears(life, later(life, 600, 1));
    life.reports("mission.progress", { costMicros: 1_100_000 });
    life.reports("mission.progress", { costMicros: 1_200_000 });
    expect(spending(life, later(life, 3_000, 1.2)).map(({ type }) => type)).toEqual(["runaway.detected"]);
  });

  test("a shim that does not know of the pause is believed later", () => {
    const life = paused();
    expect(spending(life, later(life, SETTLE_MS, 4.8, "running"))).toEqual([]);
    expect(spending(life, later(life, UNKNOWING_MS, 4.8, "running"))).toMatchObject([
      { type: "instance.settled" },
    ]);
  });

  test("a pause that is taken back ends it", () => {
    const life = paused();
    hears(life, later(life, 600, 4.8), later(life, 850, 4.9));
    life.on({
      type: "request.decided",
      request: "audit.budget.1",
      decision: { type: "raise", budget: { max_cost_usd: 50 } },
      by: operator("ann"),
      reason: "",
    });
    expect(spending(life, heard(life, { usd: 5 }, { at: life.at + 10 }))).toMatchObject([]);
    expect(life.state.instance).toMatchObject({ pausedAt: null, settled: null });
  });

  test("a pause that nobody confirms is enforced beyond the hard stop only", () => {
    const unconfirmed = (usd: readonly [number, number, number]): string[] => {
      const life = running();
      hears(life, heard(life, { usd: 4.5 }));
      const asked = life.state.instance?.pauseAskedAt ?? 0;
      const signals = usd.map((one, n) =>
        heard(life, { usd: one }, { at: asked + UNCONFIRMED_MS + n * 1_000 }),
      );
      hears(life, ...signals);
      return (life.state.mission?.incidents ?? []).map(({ class: of }) => of);
    };
    expect(unconfirmed([4.6, 4.7, 4.8])).toEqual([]);
    // One rise may have waited in a pipe: it is ended for all that it used, and not blamed for it.
    expect(unconfirmed([4.8, 5.1, 5.1])).toEqual(["overspent"]);
    expect(unconfirmed([4.6, 4.9, 5.4])).toEqual(["runaway"]);
  });

  test("a clock that was set, or an absence of ours, makes no pause older than it is", () => {
    const life = running();
    hears(life, heard(life, { usd: 4.6 }));
    const at = life.at + HOUR_MS;
    const signal = heard(life, { usd: 4.8 }, { at });
    const seen = (watchingSince: number): string[] =>
      due(life.state, signal, at, { watchingSince, lagMs: 0 })
        .map(({ type }) => type)
        .filter((type) => type === "instance.settled");
    expect(seen(at - UNCONFIRMED_MS + 1)).toEqual([]);
    expect(seen(at - UNCONFIRMED_MS)).toEqual(["instance.settled"]);
  });

  test("a clock that was put back does not excuse it", () => {
    const life = paused();
    const back = life.at - HOUR_MS;
    expect(spending(life, heard(life, { usd: 4.8 }, { at: back, phase: "paused" }))).toMatchObject([
      { type: "instance.settled" },
    ]);
  });
});

describe("caps of a day", () => {
  const policy = (caps: Partial<FleetPolicy["dayCaps"]>): FleetPolicy => ({
    ...DEFAULT_FLEET_POLICY,
    dayCaps: { ...DEFAULT_FLEET_POLICY.dayCaps, ...caps },
  });

  function dayEvents(
    lives: readonly Life[],
    usd: readonly number[],
    caps: Partial<FleetPolicy["dayCaps"]>,
    now: number,
  ) {
    const signals = new Map(
      lives.map((life, n) => [life.state.name, heard(life, { usd: usd[n] ?? null }, { at: now })]),
    );
    const states = new Map(lives.map((life) => [life.state.name, life.state]));
    const day = fleetDay(states, signals, { policy: policy(caps), now });
    return lives.map((life) =>
      due(life.state, signals.get(life.state.name), now, { ...WATCH, day }).filter(
        (event) => event.type === "day.began" || event.type.startsWith("hold."),
      ),
    );
  }

  function twoRunning(): Life[] {
    return ["a", "b"].map((name) => {
      const life = new Life(name).running({ limits: { budget: { ...BUDGET, max_cost_usd: null } } });
      return life;
    });
  }

  /** Records what is due, for each. */
  function live(
    lives: readonly Life[],
    usd: readonly number[],
    caps: Partial<FleetPolicy["dayCaps"]>,
    now: number,
  ): void {
    dayEvents(lives, usd, caps, now).forEach((events, n) => {
      const life = lives[n] as Life;
      for (const event of events) life.on(event, Math.max(0, now - life.at));
    });
  }

  const owners = (lives: readonly Life[]): string[][] =>
    lives.map(({ state }) => state.holds.map(({ kind, owner }) => `${kind} ${owner}`));

  test("of the fleet hold everybody, of a clone that one; the next day lets them go", () => {
    const lives = twoRunning();
    const now = (lives[0] as Life).at;
    const caps = { maxCostUsd: 10, maxCostUsdPerClone: 8 };
    live(lives, [0, 0], caps, now);
    live(lives, [7.5, 1], caps, now + 1_000);
    expect(owners(lives)).toEqual([["budget day:clone"], []]);
    live(lives, [7.5, 2], caps, now + 2_000);
    expect(owners(lives)).toEqual([["budget day:clone", "budget day:fleet"], ["budget day:fleet"]]);
    const hold = lives[1]?.state.holds[0];
    expect(hold?.message).toMatch(/the fleet's cost_usd of 2026-11-23 is at 9\.5 of 10; held from 90 %/);
    expect(hold?.until).toBe(Date.UTC(2026, 10, 24));
    const midnight = Date.UTC(2026, 10, 24);
    live(lives, [7.5, 2], caps, midnight);
    live(lives, [7.6, 2.1], caps, midnight + 250);
    expect(owners(lives)).toEqual([[], []]);
  });

  test("that are raised or taken away in fleet.yaml let everybody go at once", () => {
    const lives = twoRunning();
    const now = (lives[0] as Life).at;
    live(lives, [0, 0], { maxCostUsd: 10 }, now);
    live(lives, [9.5, 0], { maxCostUsd: 10 }, now + 1_000);
    expect(owners(lives).flat()).toHaveLength(2);
    live(lives, [9.5, 0], { maxCostUsd: 20 }, now + 2_000);
    expect(owners(lives).flat()).toEqual([]);
    live(lives, [19, 0], { maxCostUsd: 20 }, now + 3_000);
    live(lives, [19, 0], {}, now + 4_000);
    expect(owners(lives).flat()).toEqual([]);
  });

  test("a clone without an allowance left asks nobody: the day ends by itself", () => {
    const lives = twoRunning();
    const now = (lives[0] as Life).at;
    live(lives, [0, 0], { maxCostUsd: 10 }, now);
    live(lives, [9.5, 0], { maxCostUsd: 10 }, now + 1_000);
    expect(lives.flatMap(({ state }) => state.requests)).toEqual([]);
  });

  test("where none is declared no day is kept", () => {
    expect(dayEvents(twoRunning(), [100, 100], {}, Date.UTC(2026, 10, 23, 13))).toEqual([[], []]);
  });

  test.each([
    ["Europe/Berlin", "2026-03-29T00:30:00+01:00", "2026-03-29 Europe/Berlin", "2026-03-30T00:00:00+02:00"],
    ["Europe/Berlin", "2026-10-25T00:30:00+02:00", "2026-10-25 Europe/Berlin", "2026-10-26T00:00:00+01:00"],
    ["America/New_York", "2026-11-23T03:00:00Z", "2026-11-22 America/New_York", "2026-11-23T05:00:00Z"],
    ["UTC", "2026-12-31T23:59:59Z", "2026-12-31 UTC", "2027-01-01T00:00:00Z"],
  ])("a day in %s at %s is %s and ends at %s", (zone, now, day, ends) => {
    const { dayCaps } = DEFAULT_FLEET_POLICY;
    const policy = { ...DEFAULT_FLEET_POLICY, dayCaps: { ...dayCaps, timezone: zone, maxCostUsd: 1 } };
    expect(fleetDay(new Map(), new Map(), { policy, now: Date.parse(now) })).toMatchObject({
      day,
      endsAt: Date.parse(ends),
    });
  });
});
