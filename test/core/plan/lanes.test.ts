import { describe, expect, test } from "vitest";
import { operator } from "../../../src/core/model/actor.ts";
import { PAST_MISSIONS_MAX } from "../../../src/core/model/clone-state.ts";
import type { DesiredMission } from "../../../src/core/model/mission.ts";
import type { Plan } from "../../../src/core/plan/plan.ts";
import { aClone, aDesired, aMission, anObserved, Life, planOf, T0 } from "../../support/fleet.ts";

const kinds = (made: Plan): string[] => made.steps.map((action) => `${action.type} ${action.clone}`);
const reasons = (made: Plan): string[] => made.held.map((held) => `${held.subject} ${held.reason}`);
const planFor = (mission: DesiredMission, lives: readonly Life[]) =>
  planOf(
    aDesired({ clones: lives.map((life) => aClone(life.state.name)), missions: [mission] }),
    anObserved(lives.map((life) => life.state)),
    T0,
  );
/** Same mission, same run, so the same id, on another clone. */
const moved = (clone: string, change: Parameters<typeof aMission>[2] = {}): DesiredMission => ({
  ...aMission("audit", clone, change),
  contractHash: `sha256:moved-to-${clone}`,
});

describe("a mission that names another clone", () => {
  test("stays where it lives: the same run is never given a second lane", () => {
    const made = planFor(moved("b"), [new Life("a").running(), new Life("b").declared()]);
    expect(kinds(made)).toEqual([]);
    expect(reasons(made)).toEqual(["mission/audit ContractFixed"]);
  });

  test("is not run again once that run is closed", () => {
    const a = new Life("a").running().reports("mission.completed").dead().judged();
    expect(a.state.past).toHaveLength(1);
    expect(kinds(planFor(moved("b"), [a, new Life("b").declared()]))).toEqual([]);
  });

  test("is stopped where it lives", () => {
    const kill = moved("b", { limits: { kill_switch: { engaged: true } } });
    expect(kinds(planFor(kill, [new Life("a").running(), new Life("b").declared()]))).toEqual(["stop a"]);
  });
});

describe("a mission whose run was raised while the run before lives", () => {
  const next = (limits: Parameters<typeof aMission>[2] = {}, clone = "a") =>
    aMission("audit", clone, { run: 2, ...limits });

  test("waits for its end, on its own lane and on another", () => {
    const lives = [new Life("a").running(), new Life("b").declared()];
    for (const clone of ["a", "b"]) {
      const made = planFor(next({}, clone), lives);
      expect(kinds(made)).toEqual([]);
      expect(reasons(made)).toEqual(["mission/audit EarlierRunLives"]);
    }
  });

  test.each([
    ["its kill switch", { kill_switch: { engaged: true } }, "stop a"],
    ["its cancellation", { state: "cancelled" as const }, "stop a"],
    ["its pause", { state: "paused" as const }, "limit a"],
  ])("still reaches it with %s", (_, limits, action) => {
    const [made] = [planFor(next({ limits }), [new Life("a").running()])];
    expect(kinds(made)).toEqual([action]);
  });

  test("lifts the pause that the file had placed on it", () => {
    const paused = new Life("a").running({ limits: { state: "paused" } });
    const [action] = planFor(next(), [paused]).steps;
    expect(action?.event).toMatchObject({ type: "mission.limits_changed", limits: { state: "active" } });
    if (action !== undefined) expect(paused.on(action.event).state.holds).toEqual([]);
  });

  test("does not change what the run before may spend", () => {
    const budget = { max_runtime_minutes: 99, max_llm_calls: null, max_cost_usd: null };
    expect(kinds(planFor(next({ limits: { budget } }), [new Life("a").running()]))).toEqual([]);
  });
});

test("a run stays closed, however many others were closed on its lane since", () => {
  const names = Array.from({ length: PAST_MISSIONS_MAX + 2 }, (_, index) => `audit-${index}`);
  const lane = new Life("a").declared();
  for (const name of names) {
    lane.assigned({}, name).on({ type: "kill.requested", by: operator("ada"), reason: "over", now: false });
  }
  expect(lane.state.past).toHaveLength(PAST_MISSIONS_MAX);
  expect(lane.state.forgottenRuns).toEqual({ "audit-0": 1, "audit-1": 1 });
  for (const name of names) expect(kinds(planFor(aMission(name, "a"), [lane]))).toEqual([]);
  expect(lane.assigned({}, "audit-0").state.mission).toBeNull();
  expect(kinds(planFor(aMission("audit-0", "a", { run: 2 }), [lane]))).toEqual(["assign a", "start a"]);
});
