import { describe, expect, test } from "vitest";
import { DEFAULT_FLEET_POLICY } from "../../../src/core/model/desired.ts";
import type { Plan } from "../../../src/core/plan/plan.ts";
import { aClone, aDesired, aMission, anObserved, handleOf, Life, planOf, T0 } from "../../support/fleet.ts";

const kinds = (made: Plan): string[] => made.steps.map((action) => `${action.type} ${action.clone}`);
const reasons = (made: Plan): string[] => made.held.map((held) => `${held.subject} ${held.reason}`);
const running = (name: string, mission = `m-${name}`): Life => {
  const life = new Life(name).declared();
  life.assigned({}, mission).planned().prepared().launched().ready().dispatched().reports("mission.accepted");
  return life;
};
/** Desired exactly as these lives have it. */
const asIs = (lives: readonly Life[], change: Parameters<typeof aDesired>[0] = {}) =>
  aDesired({
    clones: lives.map((life) => aClone(life.state.name)),
    missions: lives.flatMap((life) =>
      life.state.mission === null ? [] : [aMission(life.state.mission.name, life.state.name)],
    ),
    ...change,
  });
const states = (lives: readonly Life[]) => lives.map((life) => life.state);

describe("what is new", () => {
  test("a clone is declared, gets its mission and is started in one plan", () => {
    const desired = aDesired({ clones: [aClone("scribe")], missions: [aMission("audit", "scribe")] });
    const life = new Life("scribe");
    const whole = planOf(desired, anObserved([]), T0);
    expect(kinds(whole)).toEqual(["declare scribe", "assign scribe", "start scribe"]);
    expect(whole.held).toEqual([]);
    expect(whole.steps.map(({ version, leadsTo }) => [version, leadsTo])).toEqual([
      [0, "Idle"],
      [1, "Idle"],
      [2, "Preparing"],
    ]);
    // Cut off after any of them, the next plan has the rest.
    expect(kinds(planOf(desired, anObserved([life.declared().state]), T0))).toEqual([
      "assign scribe",
      "start scribe",
    ]);
    expect(kinds(planOf(desired, anObserved([life.assigned().state]), T0))).toEqual(["start scribe"]);
    expect(planOf(desired, anObserved([life.planned().state]), T0).steps).toEqual([]);
  });

  test("a record that may not be the true one begins nothing, and says of each step why", () => {
    const desired = aDesired({
      clones: [aClone("a"), aClone("b", { workspaceDigest: "sha256:new" }), aClone("c")],
      missions: ["a", "b", "c"].map((name) => aMission(`m-${name}`, name)),
    });
    const observed = anObserved(
      [
        new Life("b").declared().state,
        new Life("c").declared().assigned({}, "m-c").state,
        running("d").state,
      ],
      { doubt: { reason: "RecordDoubtful", message: "it is older than what was published" }, instances: [] },
    );
    const made = planOf(desired, observed, T0);
    // What is gone is gone, whatever the record is.
    expect(kinds(made)).toEqual(["gone d", "withdraw d", "prune d"]);
    expect(made.held.map(({ subject, step, reason }) => `${subject} ${step} ${reason}`)).toEqual([
      "clone/a declare RecordDoubtful",
      "clone/b update RecordDoubtful",
      "mission/m-a assign RecordDoubtful",
      "mission/m-b assign RecordDoubtful",
      "mission/m-c start RecordDoubtful",
    ]);
  });

  test("what needs nothing yields nothing", () => {
    const lives = [running("a"), running("b")];
    expect(planOf(asIs(lives), anObserved(states(lives)), T0)).toMatchObject({ steps: [], held: [] });
  });

  test("says which fields differ, from what to what", () => {
    const life = new Life("scribe").declared();
    const desired = aDesired({ clones: [aClone("scribe", { afterClosure: "retire" })] });
    const [action] = planOf(desired, anObserved([life.state]), T0).steps;
    expect(action).toMatchObject({
      type: "update",
      why: { fields: ["afterClosure"], from: life.state.spec?.digest },
    });
  });

  test("a changed declaration waits for a working instance and replaces one that was not accepted", () => {
    const busy = running("a");
    const starting = new Life("b").declared().assigned({}, "m-b").planned().prepared().launched();
    const desired = aDesired({
      clones: [
        aClone("a", { workspaceDigest: "sha256:new" }),
        aClone("b", { workspaceDigest: "sha256:new" }),
      ],
      missions: [aMission("m-a", "a"), aMission("m-b", "b")],
    });
    const made = planOf(desired, anObserved(states([busy, starting])), T0);
    expect(kinds(made)).toEqual(["update a", "replace b"]);
    busy.declared({ workspaceDigest: "sha256:new" });
    expect(
      reasons(
        planOf(
          asIs([busy], { clones: [aClone("a", { workspaceDigest: "sha256:new" })] }),
          anObserved(states([busy])),
          T0,
        ),
      ),
    ).toEqual(["clone/a PinnedByMission"]);
  });
});

describe("what does not start", () => {
  const life = new Life("scribe").declared();
  test.each([
    ["KillSwitchEngaged", aMission("audit", "scribe", { limits: { kill_switch: { engaged: true } } }), {}],
    ["Cancelled", aMission("audit", "scribe", { limits: { state: "cancelled" } }), {}],
    ["InCoreOnly", aMission("audit", "scribe"), { fleet: { ...DEFAULT_FLEET_POLICY, mode: "in_core_only" } }],
    ["CloneMissing", aMission("audit", "nobody"), {}],
    ["CloneBroken", aMission("audit", "other"), { broken: new Set(["clone/other"]) }],
  ] as const)("%s", (reason, mission, change) => {
    const made = planOf(
      aDesired({ clones: [aClone("scribe")], missions: [mission], ...change }),
      anObserved([life.state]),
      T0,
    );
    expect(made.steps).toEqual([]);
    expect(reasons(made)).toEqual([`mission/audit ${reason}`]);
  });

  test.each([
    ["its own file", [], /its file cannot be used/],
    ["it or fleet.yaml", ["fleet"], /its file cannot be used, or fleet\.yaml cannot/],
  ])("a mission that was never on record is spoken of where nobody can use %s", (_, others, says) => {
    const broken = new Set(["mission/new", "mission/known", "clone/x", ...others]);
    const known = running("scribe", "known");
    const made = planOf(aDesired({ clones: [aClone("scribe")], broken }), anObserved([known.state]), T0);
    expect(reasons(made)).toEqual(["mission/new SpecInvalid", "mission/known SpecInvalid"]);
    expect(made.held[0]).toMatchObject({ step: "assign", message: expect.stringMatching(says) });
  });

  test("a second mission waits for the lane", () => {
    const first = running("scribe", "audit");
    const desired = aDesired({
      clones: [aClone("scribe")],
      missions: [aMission("audit", "scribe"), aMission("later", "scribe")],
    });
    expect(reasons(planOf(desired, anObserved([first.state]), T0))).toEqual(["mission/later LaneTaken"]);
  });

  test("beyond the fleet's cap, the one that waits longest goes first", () => {
    const waiting = ["a", "b", "c"].map((name, index) =>
      new Life(name, T0 - index * 60_000).declared().assigned({}, `m-${name}`),
    );
    const fleet = { ...DEFAULT_FLEET_POLICY, caps: { ...DEFAULT_FLEET_POLICY.caps, maxParallelMissions: 2 } };
    const made = planOf(asIs(waiting, { fleet }), anObserved(states(waiting)), T0);
    expect(kinds(made).sort()).toEqual(["start b", "start c"]);
    expect(reasons(made)).toEqual(["mission/m-a CapacityReached"]);
  });

  test("nothing starts beside an instance that lives but is not on record, and it is left alone", () => {
    const life = new Life("scribe").declared().assigned();
    const stranger = { handle: { ...handleOf(life.state), epoch: 9, nonce: "x" }, state: "live" as const };
    const made = planOf(asIs([life]), anObserved([life.state], { instances: [stranger] }), T0);
    expect(made.steps).toEqual([]);
    expect(reasons(made)).toEqual(["clone/scribe Unrecorded", "mission/audit Unrecorded"]);
  });

  test("a changed contract under the same run is named and not applied", () => {
    const life = running("scribe", "audit");
    const changed = { ...aMission("audit", "scribe"), contractHash: "sha256:other" };
    const made = planOf(
      aDesired({ clones: [aClone("scribe")], missions: [changed] }),
      anObserved([life.state]),
      T0,
    );
    expect(made.steps).toEqual([]);
    expect(reasons(made)).toEqual(["mission/audit ContractFixed"]);
  });
});

describe("what lives", () => {
  test("an instance found alive without a handle is adopted, not doubled", () => {
    const life = new Life("scribe").declared().assigned().planned().prepared();
    const seen = { handle: handleOf(life.state), state: "live" as const };
    expect(kinds(planOf(asIs([life]), anObserved([life.state], { instances: [seen] }), T0))).toEqual([
      "adopt scribe",
    ]);
  });

  test("one of a lower epoch is a stray and is stopped", () => {
    const life = running("scribe", "audit");
    const old = { handle: { ...handleOf(life.state), epoch: 0, nonce: "old" }, state: "live" as const };
    const made = planOf(
      asIs([life]),
      anObserved([life.state], { instances: [old, { handle: handleOf(life.state), state: "live" }] }),
      T0,
    );
    expect(kinds(made)).toEqual(["stop scribe"]);
  });

  test("one that a complete listing does not show is buried; an incomplete listing buries nobody", () => {
    const life = running("scribe", "audit");
    expect(kinds(planOf(asIs([life]), anObserved([life.state], { instances: [] }), T0))).toEqual([
      "gone scribe",
    ]);
    const half = planOf(asIs([life]), anObserved([life.state], { instances: [], complete: false }), T0);
    expect(half.steps).toEqual([]);
    expect(reasons(half)).toEqual(["fleet ListingIncomplete"]);
  });
});

describe("what is gone from the repository", () => {
  const fleet = (count: number): Life[] => Array.from({ length: count }, (_, index) => running(`c${index}`));
  const without = (lives: readonly Life[], gone: number, change: Parameters<typeof aDesired>[0] = {}) =>
    asIs(lives.slice(gone), { revision: "b".repeat(40), ...change });

  test("a repository that cannot be read removes nothing", () => {
    const lives = fleet(3);
    expect(planOf(null, anObserved(states(lives)), T0).steps).toEqual([]);
  });

  test("a broken file is not a removed file", () => {
    const lives = fleet(3);
    const made = planOf(
      without(lives, 1, { broken: new Set(["clone/c0", "mission/m-c0"]) }),
      anObserved(states(lives)),
      T0,
    );
    expect(made.steps).toEqual([]);
    expect(reasons(made)).toEqual(["clone/c0 SpecInvalid", "mission/m-c0 SpecInvalid"]);
  });

  test.each([
    [3, 1, true],
    [10, 2, true],
    [10, 3, false],
    [2, 2, false],
    [1, 1, false],
  ])("of %i clones %i may go at once: %s", (count, gone, passes) => {
    const lives = fleet(count);
    const made = planOf(without(lives, gone), anObserved(states(lives)), T0);
    expect(made.steps.filter((action) => action.type === "prune").length).toBe(passes ? gone : 0);
    expect(made.held.some((held) => held.reason === "MassDeleteGuard")).toBe(!passes);
  });

  test("a mass deletion goes through when a later commit names the one that removed", () => {
    const lives = fleet(4);
    const removal = "b".repeat(40);
    const first = planOf(without(lives, 2), anObserved(states(lives)), T0);
    expect(first.pendingDeletion).toEqual({
      revision: removal,
      names: ["clone/c0", "clone/c1", "mission/m-c0", "mission/m-c1"],
      clones: 4,
    });
    const { pendingDeletion } = first;
    const confirm = (revision: string, confirmDeletion: string) =>
      planOf(
        without(lives, 2, { revision, confirmDeletion }),
        anObserved(states(lives), { pendingDeletion }),
        T0,
      );
    expect(confirm(removal, removal).steps).toEqual([]); // not by the same commit
    expect(confirm("c".repeat(40), "d".repeat(40)).steps).toEqual([]); // not by another name
    expect(confirm("c".repeat(40), "bbbb").steps).toEqual([]); // not by a name that could be another's
    expect(kinds(confirm("c".repeat(40), removal)).filter((kind) => kind.startsWith("prune"))).toEqual([
      "prune c0",
      "prune c1",
    ]);
  });

  test("what a third commit removes on top has to be confirmed on its own", () => {
    const lives = fleet(5);
    const { pendingDeletion } = planOf(without(lives, 2), anObserved(states(lives)), T0);
    const more = planOf(
      without(lives, 3, { revision: "c".repeat(40), confirmDeletion: "b".repeat(40) }),
      anObserved(states(lives), { pendingDeletion }),
      T0,
    );
    expect(more.steps).toEqual([]);
    expect(more.pendingDeletion?.revision).toBe("c".repeat(40));
  });

  test("taking the removal back forgets it", () => {
    const lives = fleet(4);
    const { pendingDeletion } = planOf(without(lives, 2), anObserved(states(lives)), T0);
    expect(
      planOf(asIs(lives), anObserved(states(lives), { pendingDeletion }), T0).pendingDeletion,
    ).toBeNull();
  });

  test("stopping needs no confirmation: a whole fleet may be cancelled in one commit", () => {
    const lives = fleet(4);
    const desired = aDesired({
      clones: lives.map((life) => aClone(life.state.name)),
      missions: lives.map((life) =>
        aMission(`m-${life.state.name}`, life.state.name, { limits: { state: "cancelled" } }),
      ),
    });
    expect(planOf(desired, anObserved(states(lives)), T0).steps.map((action) => action.type)).toEqual([
      "stop",
      "stop",
      "stop",
      "stop",
    ]);
  });

  test("a broken file that still says stop is obeyed", () => {
    const life = running("scribe", "audit");
    const desired = aDesired({
      clones: [aClone("scribe")],
      broken: new Set(["mission/audit"]),
      stops: new Map([["audit", { state: "active", killSwitch: true }]]),
    });
    expect(kinds(planOf(desired, anObserved([life.state]), T0))).toEqual(["stop scribe"]);
  });
});
