/** Where a review is decided by a rule that its transcript does not show. */
import { describe, expect, test } from "vitest";
import {
  DEFAULT_FLEET_POLICY,
  type DesiredState,
  type FleetPolicy,
} from "../../../src/core/model/desired.ts";
import { INITIAL_FLEET } from "../../../src/core/model/fleet-state.ts";
import type { MissionLimits } from "../../../src/core/model/mission.ts";
import { HOUR_MS } from "../../../src/core/model/time.ts";
import { explainPlan } from "../../../src/core/proposal/explain.ts";
import { isEmptyPlan } from "../../../src/core/proposal/explanation.ts";
import type { FilesOfChange } from "../../../src/core/proposal/files.ts";
import type { RecordedWorld, World } from "../../../src/core/proposal/world.ts";
import { aClone, aDesired, aMission, Life, T0 } from "../../support/fleet.ts";

const ASSUMED: World = { type: "assumed", why: "There is no status branch" };
const explain = (
  base: DesiredState | null,
  head: DesiredState,
  world: World = ASSUMED,
  files?: FilesOfChange,
) => explainPlan({ base, head, world, now: T0, ...(files === undefined ? {} : { files }) });
const recorded = (...lives: readonly Life[]): RecordedWorld => {
  const { version: _version, record: _record, ...fleet } = INITIAL_FLEET;
  return {
    type: "recorded",
    commit: "f".repeat(40),
    states: new Map(lives.map(({ state }) => [state.name, state])),
    fleet,
  };
};
const names = (count: number, prefix = "m") =>
  Array.from({ length: count }, (_, index) => `${prefix}-${String(index).padStart(3, "0")}`);
const usd = (max_cost_usd: number | null): Partial<MissionLimits> => ({
  budget: { max_runtime_minutes: 10, max_llm_calls: 5, max_cost_usd },
});
const policy = (change: Partial<FleetPolicy>): FleetPolicy => ({ ...DEFAULT_FLEET_POLICY, ...change });
const placesFor = (maxParallelMissions: number) =>
  policy({ caps: { ...DEFAULT_FLEET_POLICY.caps, maxParallelMissions } });
/** A fleet with one clone for each mission. */
const fleetOf = (missions: readonly string[], limits: Partial<MissionLimits> = {}, fleet = placesFor(2)) =>
  aDesired({
    clones: missions.map((name) => aClone(`c-${name}`)),
    missions: missions.map((name) => aMission(name, `c-${name}`, { limits })),
    fleet,
  });
const tomorrow = { type: "fixed", startAt: T0 + 24 * HOUR_MS, endAt: null } as const;

describe("capacity decides when, and not whether", () => {
  const closed = (name: string) =>
    new Life(`c-${name}`).running().reports("mission.completed").dead().judged();

  test.each<[string, DesiredState, World]>([
    ["every place is taken", fleetOf(names(5)), ASSUMED],
    ["the window is shut", fleetOf(names(5), { autonomy_window: tomorrow }), ASSUMED],
    ["the record knows of none of it", fleetOf(names(30)), recorded()],
    [
      "nobody runs",
      fleetOf(names(5)),
      { type: "told", lived: { closed: new Set(), running: new Set(), retired: new Set() } },
    ],
    [
      "two want one lane",
      aDesired({ clones: [aClone("a")], missions: [aMission("x", "a"), aMission("y", "a")] }),
      ASSUMED,
    ],
    ["a file asks for a pause", fleetOf(names(3), { state: "paused" }), recorded()],
    ["the fleet is in_core_only", fleetOf(names(3), {}, policy({ mode: "in_core_only" })), recorded()],
  ])("a change that changes nothing shows nothing, though %s", (_, base, world) => {
    const seen = explain(base, { ...base, revision: "b".repeat(40) }, world);
    expect(seen).toMatchObject({
      starts: [],
      parked: [],
      stops: [],
      changes: [],
      held: [],
      cost: { missions: 0, costUsd: 0 },
    });
    expect(isEmptyPlan(seen)).toBe(true);
  });

  test("two hundred new missions are listed and cost the sum of all, whatever there is place for", () => {
    const base = fleetOf(names(5, "old"));
    for (const places of [1, 2, 500]) {
      const head = fleetOf([...names(5, "old"), ...names(200, "new")], usd(20), placesFor(places));
      const seen = explain(base, head);
      expect(seen.starts).toHaveLength(200);
      expect(seen.cost).toMatchObject({
        missions: 200,
        costUsd: 4_000,
        llmCalls: 1_000,
        runtimeMinutes: 2_000,
      });
      expect(seen.starts[150]).toMatchObject({
        objective: "do new-150",
        criteria: [{ id: "done" }],
        isolation: "group",
      });
    }
  });

  test("the plan has the same hash whoever has the places", () => {
    const [base, head] = [fleetOf(names(5)), fleetOf(["aa", ...names(5)], {}, placesFor(5))];
    const told = (running: readonly string[]): World => ({
      type: "told",
      lived: { closed: new Set(), running: new Set(running), retired: new Set() },
    });
    const [busy, idle] = [explain(base, head, told(names(5, "c-m"))), explain(base, head, told([]))];
    expect([busy, idle].map(({ starts }) => starts[0]?.when)).toEqual([
      "when a place is free: at most 5 at once in the fleet",
      "now",
    ]);
    expect(busy.planHash).toBe(idle.planHash);
  });

  test("a raised run starts where the record knows that the one before is over", () => {
    const life = closed("m-000");
    const mission = (run: number) => aMission("audit", "c-m-000", { run, limits: usd(7) });
    const side = (run: number) => aDesired({ clones: [aClone("c-m-000")], missions: [mission(run)] });
    expect(life.state.past[0]?.missionId).toBe(mission(1).missionId);
    const seen = explain(side(1), side(2), recorded(life));
    expect(seen.starts).toMatchObject([{ mission: "audit", run: 2, runBefore: 1, when: "now", held: null }]);
    expect(seen.cost.costUsd).toBe(7);
    expect(seen.world.unknown).toEqual([]);
    expect(explain(side(1), side(1), recorded(life)).starts).toEqual([]);
  });

  test("and where nobody knows it, that is said, and it is listed and counted all the same", () => {
    const side = (run: number) =>
      aDesired({
        clones: [aClone("a", { afterClosure: "retire" })],
        missions: [aMission("audit", "a", { run, limits: usd(7) })],
      });
    const seen = explain(side(1), side(2));
    expect(seen.starts).toMatchObject([{ run: 2, when: "when run 1 has ended, if it has not yet" }]);
    expect(seen.cost.costUsd).toBe(7);
    expect(seen.world).toMatchObject({
      source: "assumed",
      text: "There is no status branch, so every mission that the base asks for is taken to be at work.",
      unknown: [
        "Whether run 1 of audit has ended is not known; run 2 starts when it has.",
        expect.stringContaining("run 2 of audit then needs another clone"),
      ],
    });
  });

  test("a new clone does not wait for the rollout of its group, and what starts there is shown in full", () => {
    const old = (digest: string) => names(3).map((name) => aClone(`c-${name}`, { workspaceDigest: digest }));
    const base = aDesired({
      clones: old("sha256:1"),
      missions: names(3).map((name) => aMission(name, `c-${name}`)),
    });
    const head = aDesired({
      clones: [
        ...old("sha256:2"),
        ...["d", "e"].map((name) => aClone(name, { workspaceDigest: "sha256:2" })),
      ],
      missions: [
        ...base.missions.values(),
        ...["d", "e"].map((name) => aMission(`on-${name}`, name, { limits: usd(3) })),
      ],
    });
    const seen = explain(base, head);
    expect(seen.starts).toMatchObject([
      { mission: "on-d", criteria: [{ id: "done" }] },
      { mission: "on-e", criteria: [{ id: "done" }] },
    ]);
    expect(seen.cost.costUsd).toBe(6);
    expect(seen.held).toEqual([]);
  });

  test("a new mission that is paused by its file is shown in full, and neither starts nor costs", () => {
    const base = fleetOf([]);
    const seen = explain(base, fleetOf(["audit"], { ...usd(9), state: "paused" }));
    expect(seen.parked).toMatchObject([{ mission: "audit", objective: "do audit" }]);
    expect(seen).toMatchObject({ starts: [], cost: { missions: 0 } });
    const go = explain(fleetOf(["audit"], { ...usd(9), state: "paused" }), fleetOf(["audit"], usd(9)));
    expect(go.starts).toMatchObject([{ mission: "audit" }]);
    expect(go.cost.costUsd).toBe(9);
  });

  test("a window that is over never starts anything, and that is said", () => {
    const over = { type: "fixed", startAt: null, endAt: T0 - 1 } as const;
    const seen = explain(fleetOf([]), fleetOf(["audit"], { autonomy_window: over }));
    expect(seen.starts).toEqual([]);
    expect(seen.held).toMatchObject([{ subject: "mission/audit", reason: "WindowOver" }]);
  });

  test("in Simone's own runtime a mission starts as well", () => {
    const inCore = policy({
      mode: "in_core_only",
      simone: { notify: [], inCore: { url: "http://x", authRef: null } },
    });
    const seen = explain(fleetOf([], {}, inCore), fleetOf(["audit"], usd(2), inCore), recorded());
    expect(seen.starts).toMatchObject([{ mission: "audit", lane: "in_core" }]);
    expect(seen.cost.costUsd).toBe(2);
  });
});

describe("what stops", () => {
  const five = names(5);
  const without = (gone: readonly string[]) => fleetOf(five.filter((name) => !gone.includes(name)));

  test("is one thing for a mission and its clone", () => {
    expect(explain(fleetOf(five), without(["m-001"])).stops).toEqual([
      {
        clone: "c-m-001",
        mission: "m-001",
        runs: "unknown",
        fate: "put_away",
        reason: "its file was removed",
        held: null,
      },
    ]);
  });

  test("waits for a second commit where it is many, and is listed and counted all the same", () => {
    const { stops, held, blast } = explain(fleetOf(five), without(["m-001", "m-002", "m-003"]));
    expect(stops.map(({ mission, held: waits }) => [mission, waits?.reason])).toEqual(
      ["m-001", "m-002", "m-003"].map((name) => [name, "MassDeleteGuard"]),
    );
    // The head is not the commit that a merge makes.
    expect(stops[0]?.held?.message).not.toMatch(/[0-9a-f]{12}/);
    expect(held).toEqual([]);
    expect(blast.touched).toHaveLength(3);
  });

  test("is nothing of a mission that is over", () => {
    const life = new Life("c-m-000").running().reports("mission.completed").dead().judged();
    const base = aDesired({ clones: [aClone("c-m-000")], missions: [aMission("audit", "c-m-000")] });
    const seen = explain(base, aDesired({ clones: [aClone("c-m-000")] }), recorded(life));
    expect(seen.stops).toEqual([]);
  });

  test("is also what fleet.yaml engages the kill switch for", () => {
    const on = policy({ killSwitch: { engaged: false, labels: {}, missions: ["m-002"] } });
    const seen = explain(fleetOf(five), {
      ...fleetOf(five),
      fleet: { ...placesFor(2), killSwitch: on.killSwitch },
    });
    expect(seen.stops).toMatchObject([
      { mission: "m-002", reason: "fleet.yaml engages the kill switch for it" },
    ]);
    const all = { ...placesFor(2), killSwitch: { engaged: true, labels: {}, missions: [] } };
    expect(explain(fleetOf(five), { ...fleetOf(five), fleet: all }).stops).toHaveLength(5);
    expect(explain({ ...fleetOf(five), fleet: all }, { ...fleetOf(five), fleet: all }).stops).toEqual([]);
  });

  test("that was stopped before is nothing of this change", () => {
    const side = (limits: Partial<MissionLimits>) => fleetOf(["audit"], limits);
    const [cancelled, engaged] = [{ state: "cancelled" }, { kill_switch: { engaged: true } }] as const;
    expect(explain(side(cancelled), side(cancelled)).held).toEqual([]);
    expect(explain(side(engaged), side(cancelled)).held).toEqual([]);
    expect(explain(fleetOf([]), side(cancelled)).held).toMatchObject([{ reason: "Cancelled" }]);
  });
});

describe("what changes", () => {
  const files = (
    changed: readonly string[],
    sources: Readonly<Record<string, readonly string[]>> = {},
  ): FilesOfChange => ({
    changed: changed.map((path) => ({ path, change: "changed" })),
    sourcesOf: (clone) => sources[clone] ?? [],
  });

  test("comes from the file that set it", () => {
    const clones = (digest: string, isolation: "pidns" | "group") =>
      names(3).map((name) =>
        aClone(name, {
          workspaceDigest: digest,
          runtime: { driver: "process", isolation },
          provenance: { "runtime.isolation": "fleet.yaml:7" },
        }),
      );
    const sources = Object.fromEntries(names(3).map((name) => [name, ["overlays/ops/prompts/identity.md"]]));
    const seen = explain(
      aDesired({ clones: clones("sha256:1", "pidns") }),
      aDesired({ clones: clones("sha256:2", "group") }),
      ASSUMED,
      files(
        ["README.md", "fleet.yaml", "overlays/ops/prompts/identity.md", "overlays/ops/unused.md"],
        sources,
      ),
    );
    expect(seen.causes.map(({ subject, clones: reach }) => [subject, reach.length])).toEqual([
      ["fleet.yaml", 3],
      ["overlay ops", 3],
      ["other files", 0],
    ]);
    expect(seen.changes[0]?.causes).toEqual(["fleet.yaml", "overlays/ops/prompts/identity.md"]);
  });

  test("a file that a check runs reaches the missions that it judges", () => {
    const mission = aMission("audit", "a");
    const contract = {
      ...mission.contract,
      success_criteria: [
        {
          id: "x",
          text: "y",
          check: { run: ["node", "checks/x.js"] as [string, string], timeout_seconds: 5 },
        },
      ],
    };
    const side = aDesired({ clones: [aClone("a")], missions: [{ ...mission, contract }] });
    const seen = explain(side, side, ASSUMED, files(["checks/x.js", "checks/y.js"]));
    expect(seen.causes).toMatchObject([
      { subject: "checks, schemas and inputs", files: [{ path: "checks/x.js" }], missions: ["audit"] },
      { subject: "other files", files: [{ path: "checks/y.js" }] },
    ]);
  });

  test("of a mission that is over takes no effect, and touches nothing", () => {
    const life = new Life("a").running().reports("mission.completed").dead().judged();
    const side = (limits: Partial<MissionLimits>) =>
      aDesired({ clones: [aClone("a")], missions: [aMission("audit", "a", { limits })] });
    const seen = explain(side(usd(1)), side(usd(9)), recorded(life));
    expect(seen.changes).toMatchObject([{ part: "limits", effect: "never: run 1 is over", applies: false }]);
    expect(seen).toMatchObject({ cost: { raisedUsd: 0 }, blast: { touched: [] } });
  });

  test("of a limit on cost is added up where it rises", () => {
    const side = (one: number | null, other: number | null) =>
      aDesired({
        clones: [aClone("a"), aClone("b")],
        missions: [aMission("x", "a", { limits: usd(one) }), aMission("y", "b", { limits: usd(other) })],
      });
    expect(explain(side(0.1, 5), side(0.3, 4)).cost.raisedUsd).toBe(0.2);
    expect(explain(side(1, 5), side(null, 6)).cost).toMatchObject({
      raisedUsd: null,
      withoutCostLimit: ["x"],
    });
  });

  test("that tightens approvals does not wait for the rollout of the rest", () => {
    const clones = (digest: string, approvalRequired: readonly string[]) =>
      names(3).map((name) => aClone(name, { workspaceDigest: digest, approvalRequired }));
    const { changes } = explain(
      aDesired({ clones: clones("sha256:1", []) }),
      aDesired({ clones: clones("sha256:2", ["push"]) }),
    );
    expect(
      changes.slice(0, 2).map(({ effect, fields }) => [fields.map(({ field }) => field), effect]),
    ).toEqual([
      [["approval_required"], "at once"],
      [["baseline and overlays"], expect.stringMatching(/^first by one clone of its group; by the others/)],
    ]);
  });

  test("a clone whose file is broken keeps what it has", () => {
    const secrets = [{ name: "KEY", from: { env: "KEY" } }];
    const base = aDesired({ clones: [aClone("a", { secrets })] });
    const seen = explain(base, aDesired({ broken: new Set(["clone/a"]) }));
    expect(seen).toMatchObject({ secrets: [], stops: [], changes: [] });
  });
});
