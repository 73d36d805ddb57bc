import { describe, expect, test } from "vitest";
import {
  covers,
  engage,
  merged,
  NOTHING_ENGAGED,
  parseSwitch,
  release,
  type SwitchEntry,
  type SwitchScope,
  switchText,
} from "../../../src/core/model/kill-switch.ts";
import { aClone, aDesired, aMission, anObserved, Life, planOf } from "../../support/fleet.ts";

const FLEET: SwitchScope = { type: "fleet" };
const TEAM: SwitchScope = { type: "label", key: "team", value: "platform" };
const AUDIT: SwitchScope = { type: "mission", name: "audit" };
const entry = (scope: SwitchScope, at = "2026-11-23T12:00:00.000Z"): SwitchEntry => ({
  scope,
  by: "operator:ann",
  reason: "too much",
  at,
});
const released = (state: Parameters<typeof release>[0], scope: SwitchScope | null) => {
  const next = release(state, { scope, by: "operator:bob", reason: "fixed", atMs: 1_000 });
  if (next === null) throw new Error("nothing to release");
  return next;
};

describe("what a scope covers", () => {
  const subject = { clone: "scribe", mission: "audit", labels: { team: "platform" } };
  test.each([
    [FLEET, true],
    [TEAM, true],
    [{ ...TEAM, value: "other" }, false],
    [{ ...TEAM, key: "toString" }, false],
    [AUDIT, true],
    [{ type: "mission", name: "scribe" }, true],
    [{ type: "mission", name: "aud" }, false],
  ] as const)("%j: %s", (scope, expected) => expect(covers(scope, subject)).toBe(expected));
});

describe("the file", () => {
  const state = engage(engage(NOTHING_ENGAGED, entry(FLEET)), entry(AUDIT));

  test("says what it was told", () => expect(parseSwitch(switchText(state))).toEqual(state));
  test("that is not there engages nothing", () => expect(parseSwitch(null)).toEqual(NOTHING_ENGAGED));
  test.each(["", "{", "[]", "null", '{"engaged":true}', '{"engaged":[{"scope":{"type":"all"}}]}'])(
    "that says %j engages everything",
    (text) => {
      expect(parseSwitch(text).engaged).toMatchObject([{ scope: { type: "fleet" }, by: "unknown" }]);
    },
  );

  test("keeps who engaged it first, and who released it", () => {
    const again = engage(state, { ...entry(FLEET), by: "operator:eve" });
    expect(again.engaged.map(({ by }) => by)).toEqual(["operator:ann", "operator:ann"]);
    const next = released(state, FLEET);
    expect(next.engaged).toEqual([entry(AUDIT)]);
    expect(next.released).toMatchObject([
      { scope: FLEET, releasedBy: "operator:bob", releaseReason: "fixed" },
    ]);
    expect(release(next, { scope: TEAM, by: "b", reason: "", atMs: 1 })).toBeNull();
  });

  test("two that differ agree on what was engaged and not released", () => {
    const onDisk = engage(state, entry(TEAM));
    const inMemory = released(state, FLEET);
    for (const both of [merged(onDisk, inMemory), merged(inMemory, onDisk)])
      expect(both.engaged.map(({ scope }) => scope).sort()).toEqual([AUDIT, TEAM].sort());
    const later = engage(released(state, FLEET), entry(FLEET, "2026-11-24T00:00:00.000Z"));
    expect(merged(later, released(state, FLEET)).engaged).toContainEqual(
      entry(FLEET, "2026-11-24T00:00:00.000Z"),
    );
  });

  test("a file that was removed releases nothing", () => {
    expect(merged(state, parseSwitch(null)).engaged).toEqual(state.engaged);
  });

  test("one that cannot be understood engages also after an earlier one was released", () => {
    const before = released(parseSwitch("{"), FLEET);
    expect(merged(before, parseSwitch("{")).engaged).toHaveLength(1);
  });
});

describe("while it is engaged", () => {
  const wanted = aDesired({ clones: [aClone("scribe")], missions: [aMission("audit", "scribe")] });

  test.each([FLEET, AUDIT])("nothing that %j covers is assigned or started", (scope) => {
    const declared = new Life().declared();
    const assigned = new Life().declared().assigned();
    for (const { state } of [declared, assigned]) {
      const seen = planOf(wanted, { ...anObserved([state]), killSwitch: [entry(scope)] }, 1);
      expect(seen.steps.filter(({ type }) => type === "assign" || type === "start")).toEqual([]);
      expect(seen.held.filter(({ subject }) => subject === "mission/audit")).toMatchObject([
        { reason: "KillSwitchEngaged", message: expect.stringContaining("operator:ann") },
      ]);
      expect(seen.held).toContainEqual(
        expect.objectContaining({ subject: "fleet", reason: "KillSwitchEngaged" }),
      );
    }
  });

  test("others go on", () => {
    const { state } = new Life().declared().assigned();
    const seen = planOf(wanted, { ...anObserved([state]), killSwitch: [entry(TEAM)] }, 1);
    expect(seen.steps.map(({ type }) => type)).toContain("start");
  });

  test("what its shim says of it is a kill, with its trace", () => {
    const life = new Life().running();
    life.reports("mission.cancelled", { summary: "the kill switch is engaged", detail: { kill_switch: {} } });
    expect(life.last?.effects).toMatchObject([{ type: "stop", enter: "term", trace: "kill_switch" }]);
    life.dead();
    expect(life.state.past[0]).toMatchObject({
      terminal: { status: "cancelled", by: { type: "controller", part: "kill-switch" } },
      incidents: [{ class: "killed" }],
    });
  });
});
