import { expect, test } from "vitest";
import type { RememberedAction } from "../../../src/core/model/action.ts";
import { operator } from "../../../src/core/model/actor.ts";
import { initialState } from "../../../src/core/model/clone-state.ts";
import type { FoundInstance } from "../../../src/core/record/rebuild.ts";
import { isWitnessed, withRemembered } from "../../../src/core/record/remembered-actions.ts";
import { Life, T0 } from "../../support/fleet.ts";
import { actionRow } from "../../support/record.ts";

function found(epoch: number, remembered: readonly RememberedAction[] | null = []): FoundInstance {
  const handle = {
    driver: "fake",
    clone: "scribe",
    epoch,
    nonce: "n",
    containment: "group",
    data: {},
  } as const;
  return { handle, state: "dead", missionId: null, remembered, orphan: remembered === null };
}

const killed = { type: "kill.requested", by: operator("ann"), reason: "enough", now: true } as const;
const { state } = new Life().running();
const missionId = state.mission?.missionId ?? "";
const remembers = (state_: RememberedAction["state"]): RememberedAction => {
  const { key, action, target, arguments: given, digest, agent } = actionRow(missionId, "k1");
  return { key, action, target, arguments: given, digest, agent, state: state_, result: null, evidence: "" };
};

test("whoever came before the one that holds an action says nothing about it", () => {
  const published = actionRow(missionId, "k1", { state: "reserved", epoch: 2 });
  const told = withRemembered({ state, rows: [published] }, [found(1, [remembers("failed")])], T0);
  expect(told).toEqual({ state, rows: [published] });
  const later = withRemembered({ state, rows: [published] }, [found(3, [remembers("committed")])], T0);
  expect(later.rows).toMatchObject([{ key: "k1", state: "committed", epoch: 3 }]);
});

test("a mission that was assigned after the last publication finds what was done for it, once it is assigned again", () => {
  const unpublished = initialState("scribe", T0);
  const acted = { ...found(1, [remembers("committed")]), missionId };
  const told = withRemembered({ state: unpublished, rows: [] }, [acted], T0);
  expect(told.rows).toMatchObject([{ missionId, key: "k1", state: "committed", epoch: 1 }]);
  expect(told.state).toBe(unpublished);
});

test("what is known of a closed mission's actions is left as it was", () => {
  const { state: over } = new Life("scribe").declared().assigned({}, "old").on(killed);
  const old = over.past[0]?.missionId ?? null;
  expect(old).not.toBeNull();
  const acted = { ...found(1, [remembers("committed")]), missionId: old };
  expect(withRemembered({ state: over, rows: [] }, [acted], T0)).toEqual({ state: over, rows: [] });
});

test.each([
  { published: state, tell: [1], missing: [], whole: true, what: "its own" },
  { published: state, tell: [2], missing: [], whole: false, what: "only the next one" },
  { published: state, tell: [1, 2, 3], missing: [], whole: true, what: "every one since" },
  { published: state, tell: [1, 3], missing: [2], whole: false, what: "all but one" },
  { published: initialState("scribe", T0), tell: [], missing: [], whole: true, what: "nobody, of none" },
  { published: initialState("scribe", T0), tell: [1], missing: [], whole: true, what: "the first one" },
  { published: { ...state, instance: null }, tell: [1], missing: [], whole: true, what: "the last one" },
  { published: { ...state, instance: null }, tell: [], missing: [], whole: false, what: "nobody, of some" },
])(
  "is whole where everybody tells who may have acted: $what: $whole",
  ({ published, tell, missing, whole }) => {
    const instances = [...tell.map((epoch) => found(epoch)), ...missing.map((epoch) => found(epoch, null))];
    const highest = Math.max(published.epoch, ...tell, ...missing);
    expect(isWitnessed(published, instances, highest)).toBe(whole);
  },
);
