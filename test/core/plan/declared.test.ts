/** What the repository declares, against the lanes of record. */

import { describe, expect, test } from "vitest";
import type { RolloutGate } from "../../../src/core/fleet/rollouts/rollout.ts";
import { operator } from "../../../src/core/model/actor.ts";
import type { CloneState } from "../../../src/core/model/clone-state.ts";
import { DEFAULT_FLEET_POLICY } from "../../../src/core/model/desired.ts";
import type { Rollout } from "../../../src/core/model/rollout.ts";
import { planDeclaration } from "../../../src/core/plan/declarations.ts";
import { differingFields } from "../../../src/core/plan/diff.ts";
import { aClone, aDesired, aMission, anObserved, Life, planOf, REVISION, T0 } from "../../support/fleet.ts";
import { kinds, onlyStep, planned, reasons, working } from "./plans.ts";

const KILL = { type: "kill.requested", by: operator("ann"), reason: "", now: false } as const;

describe("a gate of a rollout", () => {
  const stable = aClone("scribe");
  const wanted = aClone("scribe", { workspaceDigest: "sha256:new" });
  const hold: RolloutGate = { type: "hold", reason: "RolloutInProgress", message: "the canary first" };
  const revert: RolloutGate = { type: "revert", spec: stable, message: "the canary failed" };
  const gated = (
    gate: RolloutGate,
    clone: typeof wanted,
    state: CloneState | undefined = new Life("scribe").declared().state,
  ) => planDeclaration(clone, { state, gate, doubt: null });

  test("holds what waits for the canary, together with what it is", () => {
    const made = gated(hold, wanted);
    expect(made.step).toBeNull();
    expect(made.held).toMatchObject([
      {
        subject: "clone/scribe",
        step: "update",
        reason: "RolloutInProgress",
        message: "the canary first",
        waiting: { type: "update", clone: "scribe", event: { type: "clone.declared", spec: wanted } },
      },
    ]);
  });

  test("holds a clone that has no declaration yet", () => {
    expect(gated(hold, wanted, new Life("scribe").state).step).toBeNull();
    const unknown = planDeclaration(wanted, { state: undefined, gate: hold, doubt: null });
    expect(unknown.step).toBeNull();
    expect(unknown.held).toMatchObject([
      { subject: "clone/scribe", step: "declare", reason: "RolloutInProgress" },
    ]);
  });

  test("lets through what it asks people for in addition, and nothing else", () => {
    const kept = new Life("scribe").declared({ approvalRequired: ["push", "mail"] });
    const tighter = { ...wanted, approvalRequired: ["mail", "delete"] };
    const { step } = gated(hold, tighter, kept.state);
    expect(step?.event).toMatchObject({
      type: "clone.declared",
      spec: { workspaceDigest: "sha256:workspace", approvalRequired: ["delete", "mail", "push"] },
    });
    expect(step?.why).toMatchObject({ trigger: "the canary first", fields: ["approvalRequired"] });
    expect(gated(hold, { ...wanted, approvalRequired: ["push"] }, kept.state).step).toBeNull();
  });

  test("takes back what the canary refused, and says so", () => {
    const tried = new Life("scribe").declared({ workspaceDigest: "sha256:new" });
    const made = gated(revert, wanted, tried.state);
    expect(made.step?.event).toEqual({ type: "clone.declared", spec: stable });
    // What was refused does not wait for anything but another commit.
    expect(made.held).toEqual([
      {
        subject: "clone/scribe",
        step: "update",
        reason: "PinnedByRollback",
        message: "the canary failed",
      },
    ]);
    expect(gated(revert, wanted).step).toBeNull();
    // One that nobody has taken up yet begins with what is stable.
    expect(gated(revert, wanted, new Life("scribe").state).step?.event).toMatchObject({ spec: stable });
  });
});

describe("a rollout in a plan", () => {
  const GROUP = "ua-core+plain";
  const NEW = "sha256:new";
  const OLD = "sha256:workspace";
  const names = ["a", "b"];
  const rollout = (change: Partial<Rollout> = {}): ReadonlyMap<string, Rollout> =>
    new Map([[GROUP, { group: GROUP, stable: OLD, candidate: null, refused: null, turns: [], ...change }]]);
  const wanted = (missions: readonly string[], digest = NEW) =>
    aDesired({
      clones: names.map((name) => aClone(name, { workspaceDigest: digest })),
      missions: missions.map((name) => aMission(`m-${name}`, name)),
    });
  const resting = names.map((name) => new Life(name).declared().state);

  test("waits for a clone with work, and the plan that gives it work lets it try first of all", () => {
    const idle = planned(wanted([]), resting, { rollouts: rollout() });
    expect(kinds(idle)).toEqual([]);
    expect(reasons(idle)).toEqual(["clone/a update RolloutInProgress", "clone/b update RolloutInProgress"]);
    expect(idle.rollouts?.rollouts.get(GROUP)?.candidate).toMatchObject({ digest: NEW, canaries: {} });

    const made = planned(wanted(["b"]), resting, { rollouts: rollout() });
    expect(kinds(made)).toEqual(["assign b", "update b", "start b"]);
    expect(reasons(made)).toEqual(["clone/a update RolloutInProgress"]);
    // To be remembered before anything is recorded: what the canary goes back to.
    expect(made.rollouts?.rollouts.get(GROUP)?.candidate?.canaries).toMatchObject({
      b: { workspaceDigest: OLD },
    });
  });

  test("starts the others with what is stable", () => {
    const made = planned(wanted(["a", "b"]), resting, { rollouts: rollout() });
    expect(kinds(made)).toEqual(["assign a", "assign b", "update a", "start a", "start b"]);
    expect(made.start.map(({ why }) => why.to)).toEqual([
      aClone("a", { workspaceDigest: NEW }).digest,
      aClone("b").digest,
    ]);
    expect(reasons(made)).toEqual(["clone/b update RolloutInProgress"]);
  });

  test("holds back a new clone of what was refused, and its mission with it", () => {
    const refused = { digest: NEW, revision: REVISION, at: T0, reason: "a was quarantined", back: {} };
    const made = planned(wanted(["a"]), [], { rollouts: rollout({ refused }) });
    expect(kinds(made)).toEqual([]);
    expect(reasons(made)).toEqual([
      "clone/a declare PinnedByRollback",
      "clone/b declare PinnedByRollback",
      "mission/m-a assign CloneNotDeclaredYet",
    ]);
  });

  test("is not looked at while every group stands where it is wanted", () => {
    expect(planned(wanted([]), resting, { rollouts: null }).rollouts).toBeNull();
    expect(planned(null, resting, { rollouts: rollout() }).rollouts).toBeNull();
  });
});

describe("a changed declaration", () => {
  const changed = aClone("scribe", { workspaceDigest: "sha256:new" });
  const starting = () => new Life("scribe").declared().assigned().planned().prepared().launched();

  test.each<[string, Life, string]>([
    ["of one that comes up", starting(), "replace scribe"],
    ["of one that is being handed its mission", starting().ready(), "replace scribe"],
    ["of one that works", starting().ready().dispatched().reports("mission.accepted"), "update scribe"],
    ["of one that rests", new Life("scribe").declared(), "update scribe"],
  ])("%s: %s", (_, life, wanted) => {
    const desired = aDesired({ clones: [changed], missions: [aMission("audit", "scribe")] });
    expect(kinds(planned(desired, [life.state])).filter((kind) => !/^(assign|start)/.test(kind))).toEqual([
      wanted,
    ]);
  });

  test("that is pinned is no longer told of when nothing lives that it could reach", () => {
    const life = starting().ready().dispatched().reports("mission.accepted");
    life.declared({ workspaceDigest: "sha256:new" });
    const desired = aDesired({ clones: [changed], missions: [aMission("audit", "scribe")] });
    expect(reasons(planned(desired, [life.state]))).toEqual(["clone/scribe replace PinnedByMission"]);
    life.on(KILL);
    expect(reasons(planned(desired, [life.state]))).toEqual([]);
    expect(reasons(planned(desired, [life.dead().state]))).toEqual([]);
  });
});

describe("lanes", () => {
  test("go to missions in the order of their names", () => {
    const lane = new Life("scribe").declared().state;
    for (const names of [
      ["b", "a", "c"],
      ["c", "b", "a"],
      ["a", "b", "c"],
    ]) {
      const missions = names.map((name) => aMission(name, "scribe"));
      const made = planned(aDesired({ clones: [aClone("scribe")], missions }), [lane]);
      expect(made.steps).toMatchObject([
        { type: "assign", mission: "a" },
        { type: "start", mission: "a" },
      ]);
      expect(reasons(made)).toEqual(["mission/b assign LaneTaken", "mission/c assign LaneTaken"]);
      expect(made.held[0]?.message).toBe("its clone scribe is busy with a");
    }
  });

  test("that are taken name who has them", () => {
    const busy = working("scribe", "zeal");
    const missions = [aMission("audit", "scribe"), aMission("zeal", "scribe")];
    const made = planned(aDesired({ clones: [aClone("scribe")], missions }), [busy.state]);
    expect(made.held[0]?.message).toBe("its clone scribe is busy with zeal");
  });

  test("of a mission that moved stay taken, also for those that come after it", () => {
    const lives = [working("a", "audit"), new Life("b").declared()];
    const made = planned(
      aDesired({
        clones: [aClone("a"), aClone("b")],
        missions: [aMission("audit", "b"), aMission("next", "b")],
      }),
      lives.map(({ state }) => state),
    );
    expect(kinds(made)).toEqual(["assign b", "start b"]);
    expect(made.steps.map(({ mission }) => mission)).toEqual(["next", "next"]);
  });

  test("stop nothing of a run that is over already", () => {
    const over = working("a", "audit").reports("mission.completed");
    const stopped = { limits: { state: "cancelled" as const } };
    for (const mission of [aMission("audit", "a", stopped), aMission("audit", "a", { ...stopped, run: 2 })])
      expect(planned(aDesired({ clones: [aClone("a")], missions: [mission] }), [over.state]).steps).toEqual(
        [],
      );
  });
});

describe("a raise of the budget", () => {
  test("beyond a cap that was tightened since is taken back", () => {
    const life = working("scribe", "audit");
    life.on({ type: "budget.crossed", meter: "runtime_minutes", level: "pause", used: 9, limit: 10 });
    life.on({
      type: "request.decided",
      request: life.state.requests[0]?.id ?? "",
      decision: { type: "raise", budget: { max_runtime_minutes: 20 } },
      by: operator("ann"),
      reason: "",
    });
    const caps = { ...DEFAULT_FLEET_POLICY.caps, maxRuntimeMinutes: 15 };
    const desired = (fleet = { ...DEFAULT_FLEET_POLICY, caps }) =>
      aDesired({ clones: [aClone("scribe")], missions: [aMission("audit", "scribe")], fleet });
    expect(onlyStep(planned(desired(), [life.state]))).toMatchObject({
      type: "limit",
      clone: "scribe",
      mission: "audit",
      event: { type: "raise.ended", field: "max_runtime_minutes", revision: REVISION },
    });
    const wide = { ...DEFAULT_FLEET_POLICY, caps: { ...caps, maxRuntimeMinutes: 20 } };
    expect(planned(desired(wide), [life.state]).steps).toEqual([]);
  });
});

describe("the kill switch", () => {
  test.each([
    ["its mission", { type: "mission", name: "audit" }],
    ["its clone", { type: "mission", name: "scribe" }],
    ["a label of it", { type: "label", key: "team", value: "platform" }],
  ] as const)("that covers %s keeps it from its lane", (_, scope) => {
    const mission = { ...aMission("audit", "scribe"), labels: { team: "platform" } };
    const entry = { scope, by: "operator:ann", reason: "enough", at: "2026-11-23" };
    const made = planOf(
      aDesired({ clones: [aClone("scribe")], missions: [mission] }),
      { ...anObserved([new Life("scribe").declared().state]), killSwitch: [entry] },
      T0,
    );
    expect(made.steps).toEqual([]);
    expect(reasons(made)).toEqual([
      "fleet start KillSwitchEngaged",
      "mission/audit assign KillSwitchEngaged",
    ]);
    expect(made.held.at(1)?.message).toMatch(
      /^the kill switch is engaged for .* by operator:ann .*; it is not dispatched$/,
    );
  });
});

test("a plan names the revision it was made of", () => {
  expect(planned(aDesired(), []).revision).toBe(REVISION);
  expect(planned(null, []).revision).toBeNull();
});

describe("which fields differ", () => {
  const wide = (n: number, value: number) =>
    Object.fromEntries(
      Array.from({ length: n }, (_, index) => [`f${String(index).padStart(2, "0")}`, value]),
    );

  test("is said of twelve, and counted beyond", () => {
    expect(differingFields(wide(12, 1), wide(12, 2))).toEqual(Object.keys(wide(12, 1)));
    expect(differingFields(wide(15, 1), wide(15, 2))).toEqual([...Object.keys(wide(12, 1)), "and 3 more"]);
  });

  test.each<[object, object, readonly string[]]>([
    [{ revision: 1, digest: 1, provenance: 1, a: 1 }, { revision: 2, digest: 2, a: 1 }, []],
    [{ a: { revision: 1 } }, { a: { revision: 2 } }, ["a.revision"]],
    [{ a: [1] }, { a: [2] }, ["a"]],
    [{ a: 1 }, {}, ["a"]],
    [{ a: null }, {}, []],
    [{ a: { b: 1, c: 2 } }, { a: { c: 2, d: 3 } }, ["a.b", "a.d"]],
    [{ a: {} }, { a: [] }, ["a"]],
  ])("%j, %j: %j", (before, after, fields) => expect(differingFields(before, after)).toEqual(fields));
});
