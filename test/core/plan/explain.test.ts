/** Where a review is decided by a rule that its transcript does not show. */
import { describe, expect, test } from "vitest";
import type { DesiredState } from "../../../src/core/model/desired.ts";
import { HOUR_MS } from "../../../src/core/model/time.ts";
import { bucketsOf, type PlanStepType } from "../../../src/core/plan/buckets.ts";
import { explainPlan, isEmptyPlan } from "../../../src/core/plan/explain.ts";
import { fieldClass } from "../../../src/core/plan/explain-changes.ts";
import type { Plan } from "../../../src/core/plan/plan.ts";
import { type Lived, observedOfTree } from "../../../src/core/plan/preview.ts";
import type { Held, PlanStep } from "../../../src/core/plan/step.ts";
import { aClone, aDesired, aMission, planOf, T0 } from "../../support/fleet.ts";

const madeOf = (steps: readonly PlanStep[], held: readonly Held[] = []): Plan => ({
  ...bucketsOf(steps),
  revision: null,
  steps,
  held,
  pendingDeletion: null,
  rollouts: null,
});
const NOTHING = madeOf([]);
const preview = (base: DesiredState | null, head: DesiredState, known?: Lived): Plan =>
  planOf(head, observedOfTree(base, { now: T0, ...(known === undefined ? {} : { lived: known }) }), T0);
const lived = (change: Partial<Lived> = {}): Lived => ({
  closed: new Set(),
  running: null,
  retired: new Set(),
  ...change,
});
const explain = (base: DesiredState | null, head: DesiredState, made = preview(base, head)) =>
  explainPlan({ base, head, plan: made, now: T0 });

function step(type: PlanStepType, clone: string, change: Partial<PlanStep> = {}): PlanStep {
  return {
    type,
    clone,
    mission: null,
    why: { trigger: "commit bbbb", fields: ["runtime", "labels"], from: "sha256:1", to: "sha256:2" },
    event: { type: "clone.declared", spec: aClone(clone) },
    version: 0,
    leadsTo: "Idle",
    ...change,
  };
}
const limits = (engaged: boolean): PlanStep["event"] => ({
  type: "mission.limits_changed",
  limits: { ...aMission("audit", "scribe").limits, kill_switch: { engaged } },
  revision: "b",
});

describe("a change", () => {
  const head = aDesired({ clones: ["a", "b", "c"].map((name) => aClone(name)) });
  const of = (...steps: readonly PlanStep[]) => explain(head, head, madeOf(steps));

  test("takes effect as what has to be done for it says", () => {
    const { changes } = of(
      step("declare", "c", { mission: "audit" }),
      step("replace", "b", { mission: "survey" }),
      step("limit", "d", { mission: "trip", event: limits(false) }),
      step("declare", "a"),
    );
    const fields = [
      { field: "runtime", class: "replace" },
      { field: "labels", class: "hot" },
    ];
    expect(changes).toEqual([
      {
        subject: "clone/a",
        step: "declare",
        fields,
        from: "sha256:1",
        to: "sha256:2",
        effect: "with its next start",
      },
      {
        subject: "clone/b",
        step: "replace",
        fields,
        from: "sha256:1",
        to: "sha256:2",
        effect: "at once: it is started again",
      },
      {
        subject: "clone/c",
        step: "declare",
        fields,
        from: "sha256:1",
        to: "sha256:2",
        effect: "when its present instance has ended",
      },
      {
        subject: "mission/trip",
        step: "limit",
        fields: fields.map(({ field }) => ({ field, class: "hot" })),
        from: null,
        to: null,
        effect: "at once",
      },
    ]);
  });

  test("of a clone that goes is not told beside its end; what else is stopped is", () => {
    const { changes, stops } = of(
      step("declare", "a"),
      step("prune", "a"),
      step("declare", "b"),
      step("stop", "b", { mission: "audit", event: limits(true) }),
    );
    expect(changes.map(({ subject }) => subject)).toEqual(["clone/b"]);
    expect(stops).toEqual([
      { mission: null, clone: "a", step: "prune", reason: "commit bbbb" },
      { mission: "audit", clone: "b", step: "stop", reason: "its kill switch is engaged" },
    ]);
  });

  test("that stops says why", () => {
    const { stops } = of(
      step("withdraw", "c", { mission: "x" }),
      step("replace", "b", { mission: "y" }),
      step("stop", "a", { mission: "z", event: limits(false) }),
      step("stop", "d", { event: { type: "instance.gone", epoch: 1, evidence: "" } }),
    );
    expect(stops.map(({ clone, reason }) => [clone, reason])).toEqual([
      ["a", "cancelled in its file"],
      ["b", "its declaration changed before its mission was accepted"],
      ["c", "commit bbbb"],
      ["d", "cancelled in its file"],
    ]);
  });

  test.each([
    ["name", "forbidden"],
    ["names", "hot"],
    ["runtime", "replace"],
    ["runtime.isolation", "replace"],
    ["baseline", "replace"],
    ["baselines", "hot"],
    ["workspaceDigest", "turn"],
    ["overlays.0", "turn"],
    ["approvalRequired", "turn"],
    ["agent.command", "restart_resume"],
    ["secrets", "restart_resume"],
    ["healthChecks", "restart_resume"],
    ["orphanPolicy.action", "restart_resume"],
    ["labels", "hot"],
    ["my.agent", "hot"],
    ["and 3 more", "hot"],
  ])("of %s is %s", (field, wanted) => expect(fieldClass(field)).toBe(wanted));
});

describe("a plan", () => {
  const base = aDesired({ clones: [aClone("scribe")], missions: [aMission("audit", "scribe")] });

  test("names what it compares, and what it touches by name", () => {
    const head = aDesired({ clones: ["c", "a", "b"].map((name) => aClone(name)), revision: "b".repeat(40) });
    const seen = explain(base, head, madeOf(["c", "a", "b"].map((name) => step("declare", name))));
    expect(seen).toMatchObject({
      base: base.revision,
      head: "b".repeat(40),
      blast: { touched: ["a", "b", "c"], total: 4 },
    });
    expect(explain(null, head, NOTHING)).toMatchObject({ base: null, blast: { touched: [], total: 3 } });
  });

  test("is empty only where nothing is done and nothing is held back", () => {
    expect(isEmptyPlan(explain(base, base))).toBe(true);
    for (const made of [
      madeOf([step("declare", "scribe")]),
      madeOf([step("prune", "scribe")]),
      // As many starts as stops are not nothing.
      madeOf([step("start", "scribe", { mission: "audit" }), step("withdraw", "scribe")]),
      madeOf([], [{ subject: "clone/scribe", step: "prune", reason: "X", message: "" }]),
    ])
      expect(isEmptyPlan(explain(base, base, made))).toBe(false);
  });

  test("has another hash where something else is held back", () => {
    const held = (reason: string, message = "") =>
      madeOf([], [{ subject: "mission/audit", step: "assign", reason, message }]);
    const hash = (made: Plan) => explain(base, base, made).planHash;
    expect(hash(held("LaneTaken"))).toBe(hash(held("LaneTaken", "in other words")));
    expect(hash(held("LaneTaken"))).not.toBe(hash(held("CloneMissing")));
    expect(hash(held("LaneTaken"))).not.toBe(hash(NOTHING));
  });

  test("starts nothing that the head does not have", () => {
    const starts = (head: DesiredState) =>
      explain(null, head, madeOf([step("start", "scribe", { mission: "audit" }), step("start", "x")])).starts;
    expect(starts(base).map(({ mission }) => mission)).toEqual(["audit"]);
    expect(starts(aDesired({ clones: [aClone("scribe")] }))).toEqual([]);
    expect(starts(aDesired({ missions: [aMission("audit", "scribe")] }))).toEqual([]);
  });

  test("tells of a mission that waits for its window once, as a start, and of others as held", () => {
    const held = (type: PlanStepType, reason: string, waits = true): Held => ({
      subject: "mission/audit",
      step: type,
      reason,
      message: "why",
      ...(waits ? { waiting: step(type, "scribe", { mission: "audit" }) } : {}),
    });
    const waits = explain(base, base, madeOf([], [held("start", "OutsideWindow")]));
    expect([waits.starts.length, waits.held.length]).toEqual([1, 0]);
    for (const other of [
      held("assign", "OutsideWindow"),
      held("start", "CapacityReached"),
      held("start", "KillSwitchEngaged", false),
    ]) {
      const seen = explain(base, base, madeOf([], [other]));
      expect(seen.starts).toEqual([]);
      const { waiting: _, ...told } = other;
      expect(seen.held).toEqual([told]);
    }
  });

  test.each([
    ["start", "CapacityReached"],
    ["start", "StartingInTurn"],
    ["start", "RateLimited"],
    ["assign", "LaneTaken"],
    ["assign", "EarlierRunLives"],
  ] as const)("names a new mission that waits to %s with what it may do and cost: %s", (type, reason) => {
    const none = aDesired({ clones: [aClone("scribe")] });
    const waiting = step(type, "scribe", { mission: "audit" });
    const held: Held = { subject: "mission/audit", step: type, reason, message: "not yet", waiting };
    const seen = explain(none, base, madeOf([], [held]));
    expect(seen.held).toEqual([]);
    expect(seen.starts).toMatchObject([
      {
        mission: "audit",
        objective: "do audit",
        when: "later: not yet",
        held: { reason, message: "not yet" },
      },
    ]);
    expect(seen.cost.missions).toBe(1);
    expect(seen.blast.touched).toEqual(["scribe"]);
    // The same plan at another moment: capacity does not change what was approved.
    expect(seen.planHash).toBe(
      explain(none, base, madeOf([step("start", "scribe", { mission: "audit" })])).planHash,
    );
  });

  test("shows a change that waits for the rollout of its group, and when it comes", () => {
    const waiting = step("update", "scribe");
    const held: Held = {
      subject: "clone/scribe",
      step: "update",
      reason: "RolloutInProgress",
      message: "is being tried by other",
      waiting,
    };
    const seen = explain(base, base, madeOf([], [held]));
    expect(seen.changes).toMatchObject([
      { subject: "clone/scribe", step: "update", effect: "when the rollout of its group comes to it" },
    ]);
    expect(seen.held).toMatchObject([{ reason: "RolloutInProgress" }]);
    expect(seen.blast.touched).toEqual(["scribe"]);
  });

  test("adds up what its missions may spend, and says who may spend without a limit", () => {
    const budget = (max_llm_calls: number | null, max_cost_usd: number | null) => ({
      limits: { budget: { max_runtime_minutes: 7, max_llm_calls, max_cost_usd } },
    });
    const missions = [
      aMission("a", "a", budget(10, null)),
      aMission("b", "b", budget(20, 3)),
      aMission("c", "c", budget(30, 4)),
    ];
    const cost = (count: number) =>
      explain(
        null,
        aDesired({ clones: ["a", "b", "c"].map((name) => aClone(name)), missions: missions.slice(count) }),
      ).cost;
    expect(cost(0)).toEqual({
      missions: 3,
      runtimeMinutes: 21,
      llmCalls: 60,
      costUsd: null,
      withoutCostLimit: ["a"],
    });
    expect(cost(1)).toEqual({
      missions: 2,
      runtimeMinutes: 14,
      llmCalls: 50,
      costUsd: 7,
      withoutCostLimit: [],
    });
  });

  test("shows an objective without the blanks around it", () => {
    const mission = aMission("audit", "scribe");
    const contract = { ...mission.contract, objective: "  do it\n" };
    const head = aDesired({ clones: [aClone("scribe")], missions: [{ ...mission, contract }] });
    expect(explain(null, head).starts[0]?.objective).toBe("do it");
  });
});

describe("what was stopped before", () => {
  const withLimits = (change: object) =>
    aDesired({ clones: [aClone("scribe")], missions: [aMission("audit", "scribe", { limits: change })] });
  const cancelled = withLimits({ state: "cancelled" });
  const active = withLimits({});

  test.each<[string, DesiredState | null, DesiredState, number]>([
    ["is not held by this change", cancelled, cancelled, 0],
    ["is, where this change stops it", null, cancelled, 1],
    [
      "nor is it, where the switch was engaged and is no more",
      withLimits({ kill_switch: { engaged: true } }),
      cancelled,
      0,
    ],
    ["of a mission that was not there", aDesired({ clones: [aClone("scribe")] }), cancelled, 1],
  ])("%s", (_, base, head, held) => expect(explain(base, head).held).toHaveLength(held));

  test("says nothing about what is held for another reason", () => {
    const taken: Held = { subject: "mission/audit", step: "assign", reason: "LaneTaken", message: "" };
    expect(explain(cancelled, active, madeOf([], [taken])).held).toEqual([taken]);
    const stopped = { ...taken, reason: "Cancelled" };
    expect(explain(active, active, madeOf([], [stopped])).held).toEqual([stopped]);
  });
});

describe("a preview takes what the base asks for to be true", () => {
  const clones = [aClone("a"), aClone("b")];
  const steps = (base: DesiredState, head: DesiredState, known = lived()) =>
    preview(base, head, known).steps.map(({ type, clone, mission }) => `${type} ${clone} ${mission ?? "-"}`);

  test("of two missions that want one lane, the first by name has it", () => {
    for (const names of [
      ["audit", "survey"],
      ["survey", "audit"],
    ]) {
      const missions = names.map((name) => aMission(name, "a"));
      const base = aDesired({ clones, missions });
      expect(steps(base, base)).toEqual([]);
      const without = aDesired({ clones, missions: missions.filter(({ name }) => name !== "audit") });
      expect(steps(base, without)).toContain("withdraw a audit");
    }
  });

  test.each<[string, Parameters<typeof aMission>[2], Partial<Lived>]>([
    ["cancelled", { limits: { state: "cancelled" } }, {}],
    ["stopped by its switch", { limits: { kill_switch: { engaged: true } } }, {}],
    ["over", {}, { closed: new Set([aMission("audit", "a").missionId]) }],
  ])("a mission that is %s has no lane that could be disturbed", (_, change, known) => {
    const mission = aMission("audit", "a", change);
    const base = aDesired({ clones, missions: [mission] });
    expect(steps(base, aDesired({ clones }), lived(known))).toEqual([]);
    expect(
      steps(base, aDesired({ clones, missions: [mission, aMission("next", "a")] }), lived(known)),
    ).toEqual(["assign a next", "start a next"]);
  });

  test("a run that is over stays over on another lane as well", () => {
    const { missionId } = aMission("audit", "a");
    const base = aDesired({
      clones,
      missions: [aMission("audit", "a"), aMission("trip", "b"), aMission("x", "gone")],
    });
    const moved = aDesired({ clones, missions: [aMission("audit", "b"), aMission("trip", "b")] });
    expect(steps(base, moved, lived({ closed: new Set([missionId]) }))).toEqual([]);
  });

  test("a clone that is retired, or is not there, has no mission", () => {
    const retired = [aClone("a", { state: "retired" })];
    const base = aDesired({
      clones: retired,
      missions: [aMission("audit", "a"), aMission("trip", "nobody")],
    });
    expect(steps(base, base)).toEqual([]);
    expect(preview(base, base).held.map(({ reason }) => reason)).toEqual(["CloneRetired", "CloneMissing"]);
  });

  test("one that was retired after its mission gets no other", () => {
    const base = aDesired({ clones, missions: [] });
    const head = aDesired({ clones, missions: [aMission("next", "a")] });
    const seen = preview(base, head, lived({ retired: new Set(["a"]) }));
    expect(seen.steps).toEqual([]);
    expect(seen.held).toMatchObject([
      { reason: "CloneRetired", message: expect.stringContaining("was retired after") },
    ]);
  });

  test("one that is paused, or whose window is shut, is not running and can be changed at once", () => {
    const shut = { autonomy_window: { type: "fixed", startAt: T0 + HOUR_MS, endAt: null } } as const;
    for (const change of [{ state: "paused" as const }, shut]) {
      const base = aDesired({ clones, missions: [aMission("audit", "a", { limits: change })] });
      expect(steps(base, aDesired({ clones, missions: [aMission("audit", "a")] }))).toContain(
        "start a audit",
      );
    }
  });

  test("what runs is not started again, and takes a place", () => {
    const missions = [aMission("audit", "a"), aMission("survey", "b")];
    const base = aDesired({ clones, missions });
    expect(steps(base, base, lived({ running: new Set(["a"]) }))).toEqual(["start b survey"]);
    expect(steps(base, base, lived({ running: new Set() }))).toEqual(["start a audit", "start b survey"]);
    const narrow = {
      ...base,
      fleet: { ...base.fleet, caps: { ...base.fleet.caps, maxParallelMissions: 1 } },
    };
    const seen = preview(base, narrow, lived({ running: new Set(["a"]) }));
    expect(seen.steps).toEqual([]);
    expect(seen.held).toMatchObject([{ subject: "mission/survey", reason: "CapacityReached" }]);
  });
});
