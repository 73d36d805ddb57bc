/** The whole fleet as people see it. */

import { describe, expect, test } from "vitest";
import type { CloneState, InstanceState } from "../../../src/core/model/clone-state.ts";
import { DEFAULT_FLEET_POLICY } from "../../../src/core/model/desired.ts";
import { NO_ROLLBACK } from "../../../src/core/model/guardrail.ts";
import { createSnapshotMemory, fleetView, missionViews } from "../../../src/core/status/fleet.ts";
import { degradedItems, livenessView, suspicionRank } from "../../../src/core/status/liveness.ts";
import { aClone, aDesired, aMission, Life, REVISION, T0 } from "../../support/fleet.ts";
import { aPicture, closed, heard, KILL, NOW, PIN, working } from "./snapshot.ts";

const named = (views: readonly { readonly name: string; readonly phase: string }[]) =>
  views.map(({ name, phase }) => `${name} ${phase}`);

describe("missions", () => {
  const seen = (
    states: readonly Life[],
    missions: Parameters<typeof aDesired>[0] = {},
    held: ReturnType<typeof aPicture>["held"] = [],
  ) =>
    missionViews(
      aPicture(
        states.map(({ state }) => state),
        { desired: aDesired(missions), held },
      ),
    );

  test("are those that are declared, live, or were closed, by name", () => {
    const lives = [working("z", "living"), closed("y", "closed")];
    const missions = [aMission("pending", "x"), aMission("living", "z"), aMission("closed", "y")];
    expect(named(seen(lives, { missions }))).toEqual([
      "closed Cancelled",
      "living Running",
      "pending Pending",
    ]);
    expect(named(missionViews(aPicture(lives.map(({ state }) => state))))).toEqual([
      "closed Cancelled",
      "living Running",
    ]);
  });

  test("that wait say for what, the first thing first", () => {
    const missions = [aMission("audit", "x"), aMission("next", "x")];
    const because = (message: string) => ({
      subject: "mission/audit",
      step: "assign" as const,
      reason: "X",
      message,
    });
    const [audit, next] = seen([], { missions }, [because("first"), because("second")]);
    expect(audit).toEqual({
      name: "audit",
      missionId: missions[0]?.missionId,
      run: 1,
      clone: "x",
      objective: "do audit",
      phase: "Pending",
      outcome: null,
      summary: "first",
      since: NOW,
      holds: [],
      conditions: [],
      usage: { activeMs: 0, llmCalls: null, costMicros: null, trust: "none", source: null },
      budget: { maxRuntimeMinutes: 10, maxLlmCalls: null, maxCostUsd: null, raised: [] },
      revision: REVISION,
      contractHash: missions[0]?.contractHash,
      conduct: audit?.conduct,
      closure: null,
    });
    expect(next?.summary).toBe("declared, not assigned yet");
  });

  test("are shown by their newest run", () => {
    const second = closed("b", "audit", 2);
    for (const lives of [
      [closed("a", "audit", 1), second],
      [second, closed("a", "audit", 1)],
    ])
      expect(seen(lives).map(({ run, clone }) => `${run} ${clone}`)).toEqual(["2 b"]);
    const [living] = seen([closed("a", "audit", 1), working("b", "audit")]);
    expect(living).toMatchObject({ clone: "b", closure: null });
    const run = (n: number) =>
      named(seen([closed("a", "audit", 2)], { missions: [aMission("audit", "a", { run: n })] }));
    expect(run(3)).toEqual(["audit Pending"]);
    expect(run(2)).toEqual(["audit Cancelled"]);
    const twice = closed("a", "audit", 1).assigned({ run: 2 }, "audit").on(KILL);
    expect(seen([twice], { missions: [aMission("audit", "a", { run: 1 })] })).toMatchObject([
      { run: 2, phase: "Cancelled" },
    ]);
    expect(named(seen([working("a", "audit")], { missions: [aMission("audit", "a", { run: 2 })] }))).toEqual([
      "audit Running",
    ]);
  });

  test("whose closure is no longer kept do not wait for anything", () => {
    const life = closed("a", "audit");
    const state: CloneState = { ...life.state, past: [], forgottenRuns: { audit: 1 } };
    const fleetSnapshot = (run: number) =>
      aPicture([state], { desired: aDesired({ missions: [aMission("audit", "a", { run })] }) });
    expect(missionViews(fleetSnapshot(1))).toEqual([]);
    expect(named(missionViews(fleetSnapshot(2)))).toEqual(["audit Pending"]);
  });

  test("say at their end what was done, or why not", () => {
    const done = working("a", "audit").reports("mission.progress", { summary: "all is found" });
    done.reports("mission.completed", { summary: "finished" }).dead().judged();
    expect(seen([done])[0]).toMatchObject({
      phase: "Completed",
      outcome: "accepted",
      summary: done.state.past[0]?.summary,
    });
    expect(seen([closed("b", "trip")])[0]).toMatchObject({
      phase: "Cancelled",
      outcome: "ignored",
      summary: "killed: enough",
    });
  });

  test("closed before are worked out once for whoever keeps a memory, and are the same without one", () => {
    const { state } = closed("a", "audit");
    const [memory, other] = [createSnapshotMemory(), createSnapshotMemory()];
    const view = (kept?: typeof memory) =>
      missionViews(aPicture([state], kept === undefined ? {} : { memory: kept }))[0];
    expect(view(memory)).toBe(view(memory));
    expect(view(other)).not.toBe(view(memory));
    for (const one of [view(), view(other)]) expect(one).toEqual(view(memory));
  });
});

describe("the fleet", () => {
  test.each([
    ["normal", null, null],
    ["normal", "normal", null],
    ["in_core_only", "in_core_only", null],
    ["in_core_only", "normal", PIN],
  ] as const)("is %s where its file says %s and the pin is %j", (mode, declared, pin) => {
    const desired =
      declared === null ? null : aDesired({ fleet: { ...DEFAULT_FLEET_POLICY, mode: declared } });
    expect(fleetView(aPicture([], { desired, rollback: { ...NO_ROLLBACK, pin } })).mode).toBe(mode);
  });

  test("shows clones by name, what is held, what is wrong with files, and when it drills", () => {
    const kill = { schedule: "0 4 * * *", timezone: "UTC", targets: "all" as const };
    const fleet = { ...DEFAULT_FLEET_POLICY, drills: { ...DEFAULT_FLEET_POLICY.drills, kill } };
    const issue = { severity: "error" as const, file: "a.yaml", reason: "X", message: "x" };
    const desired = { ...aDesired({ fleet }), issues: [issue] } as ReturnType<typeof aDesired>;
    const held = [{ subject: "clone/a", step: "prune" as const, reason: "X", message: "x" }];
    const drills = { plan: { text: "t", since: T0 }, results: [], overdue: [] };
    const states = ["b", "c", "a"].map((name) => new Life(name).declared().state);
    const view = fleetView(aPicture(states, { desired, held, drills }));
    expect(view.clones.map(({ name }) => name)).toEqual(["a", "b", "c"]);
    expect(view).toMatchObject({
      held,
      issues: [issue],
      drills: { plan: { schedule: "0 4 * * *", timezone: "UTC" } },
    });
    expect(fleetView(aPicture([])).drills.plan).toBeNull();
    expect(fleetView(aPicture([working("a").state])).counts).toMatchObject({ Running: 1, Pending: 0 });
  });
});

describe("a clone", () => {
  const { state } = working("a");
  const view = (of: CloneState, signals: readonly ReturnType<typeof heard>[] = []) =>
    fleetView(aPicture([of], { signals: new Map(signals) })).clones[0]?.instance;

  test("shows what its newest instance said, and nothing of an older one", () => {
    expect(
      view(state, [heard(state, 7_000, { phase: "throttled", lastProgressAgeMs: 2_000 })]),
    ).toMatchObject({
      driver: "fake",
      containment: "pidns",
      agentPhase: "throttled",
      heartbeatAgeMs: 7_000,
      progressAgeMs: 9_000,
    });
    for (const signals of [[], [heard(state, 7_000, { epoch: 0 })]])
      expect(view(state, signals)).toMatchObject({
        agentPhase: null,
        heartbeatAgeMs: null,
        progressAgeMs: null,
      });
    expect(view(state, [heard(state, -5_000)])).toMatchObject({ heartbeatAgeMs: 0 });
    expect(view(new Life("a").declared().state, [heard(state, 1)])).toBeNull();
  });

  test("shows where it will be, before it is", () => {
    const planned = new Life("a").declared().assigned().planned().prepared().state;
    expect(view(planned)).toMatchObject({ driver: "fake", containment: "unknown" });
    expect(view({ ...planned, spec: null })).toMatchObject({ driver: "unknown" });
  });
});

describe("liveness", () => {
  const { state } = working("a");
  const instance = (change: Partial<InstanceState>, of = state): CloneState => ({
    ...of,
    instance: of.instance === null ? null : { ...of.instance, ...change },
  });
  const look = (of: CloneState, signal = heard(of, 4_000)[1]) => livenessView(of, signal, aPicture([of]));

  test("is measured by whichever was heard last, the agent or its shim", () => {
    expect(look(instance({ answeredAt: null })).protocolAgeMs).toBe(4_000);
    expect(look(instance({ answeredAt: NOW - 1_000 })).protocolAgeMs).toBe(1_000);
    expect(look(instance({ answeredAt: NOW - 9_000 })).protocolAgeMs).toBe(4_000);
    expect(look(instance({ answeredAt: NOW + 9_000 })).protocolAgeMs).toBe(0);
    const silent = livenessView(instance({ answeredAt: null }), undefined, aPicture([state]));
    expect(silent).toMatchObject({
      process: null,
      protocolAgeMs: null,
      progressAgeMs: null,
      openTools: [],
      suspicion: null,
    });
    expect(livenessView({ ...state, instance: null }, undefined, aPicture([state])).protocolAgeMs).toBeNull();
  });

  test("is excused by open tools with a deadline, the latest first", () => {
    const openToolCalls = [
      { id: "soon", ageMs: 1_000, deadlineMs: 10_000 },
      { id: "late", ageMs: 1_000, deadlineMs: 60_000 },
      { id: "over", ageMs: 6_000, deadlineMs: 10_000 },
      { id: "none", ageMs: 1_000, deadlineMs: null },
    ];
    expect(look(state, heard(state, 4_000, { openToolCalls })[1]).openTools).toEqual([
      { id: "late", leftMs: 55_000 },
      { id: "soon", leftMs: 5_000 },
    ]);
  });

  test("waits for a provider until a time that is to come", () => {
    const until = (at: number): CloneState => ({
      ...state,
      throttle: { ...(state.throttle as object), until: at } as never,
    });
    expect(look(until(NOW + 1)).throttledUntil).toBe(NOW + 1);
    expect(look(until(NOW)).throttledUntil).toBeNull();
    expect(look({ ...state, throttle: null }).throttledUntil).toBeNull();
  });

  test("ranks those that are worse first, and equals by their silence", () => {
    const rank = (of: CloneState, agoMs: number | null, suspicion?: number) =>
      suspicionRank(
        of,
        aPicture([of], {
          signals: new Map(agoMs === null ? [] : [heard(of, agoMs)]),
          ...(suspicion === undefined ? {} : { suspicion: () => suspicion }),
        }),
      );
    const ill = (health: InstanceState["health"]) => instance({ health });
    const order = (["healthy", "suspect", "recovering", "degraded", "lost"] as const).map((health) =>
      rank(ill(health), 0),
    );
    expect(order).toEqual([0, 1_000, 2_000, 3_000, 4_000]);
    expect(rank(ill("healthy"), null)).toBe(0);
    expect(rank(ill("healthy"), -5)).toBe(0);
    expect(rank(ill("healthy"), 1e9)).toBe(1);
    expect(rank(ill("healthy"), 5_000)).toBeGreaterThan(rank(ill("healthy"), 2_000));
    expect(rank(ill("healthy"), 5_000)).toBeLessThan(1);
    expect(rank(ill("suspect"), 0, 7)).toBe(1_007);
    expect(rank({ ...state, instance: null }, 1e9)).toBe(0);
    expect(rank(working("b").reports("mission.failed").state, 1e9)).toBe(0);
  });

  const degraded = (name: string, mission = `m-${name}`) =>
    working(name, mission).on({
      type: "health.changed",
      epoch: 1,
      health: "degraded",
      evidence: "silent",
      cause: "silent",
      sinceMs: 0,
    });

  test("of the degraded is shown, the most suspicious first, then by name", () => {
    const states = ["c", "a", "b"].map((name) => degraded(name).state);
    const last = heard(states[2] as CloneState, 60_000);
    const items = (change: Partial<ReturnType<typeof aPicture>>) =>
      degradedItems(aPicture([...states, working("x").state], change)).map(({ id }) => id);
    expect(items({})).toEqual(["m-a/degraded", "m-b/degraded", "m-c/degraded"]);
    expect(items({ signals: new Map([last]) })).toEqual(["m-b/degraded", "m-a/degraded", "m-c/degraded"]);
    const gone = degraded("d").dead().state;
    expect(degradedItems(aPicture([{ ...gone, instance: null }]))).toEqual([]);
    const [item] = degradedItems(aPicture([{ ...degraded("e").state, mission: null }]));
    expect(item).toMatchObject({
      severity: "info",
      subject: "e",
      answers: ["factory why e", "factory logs e", "factory kill e"],
      message:
        "degraded: no heartbeat; tried: itself while it was probed; silent; recovery goes on by itself",
    });
  });
});

test("desired clones alone are not shown: what is not on record is not there", () => {
  expect(fleetView(aPicture([], { desired: aDesired({ clones: [aClone("a")] }) })).clones).toEqual([]);
});
