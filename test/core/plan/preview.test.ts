/** What a tree is taken for where nobody says what lives. */
import { describe, expect, test } from "vitest";
import type { DesiredState } from "../../../src/core/model/desired.ts";
import { HOUR_MS } from "../../../src/core/model/time.ts";
import type { Plan } from "../../../src/core/plan/plan.ts";
import { type Lived, observedOfTree } from "../../../src/core/plan/preview.ts";
import { aClone, aDesired, aMission, planOf, T0 } from "../../support/fleet.ts";

const preview = (base: DesiredState | null, head: DesiredState, known?: Lived): Plan =>
  planOf(head, observedOfTree(base, { now: T0, ...(known === undefined ? {} : { lived: known }) }), T0);
const lived = (change: Partial<Lived> = {}): Lived => ({
  closed: new Set(),
  running: null,
  retired: new Set(),
  ...change,
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
