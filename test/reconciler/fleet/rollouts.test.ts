/** Each step of a rollout is decided once, whoever else has written to the record meanwhile. */
import { beforeEach, expect, test } from "vitest";
import { type RolloutStep, stepRollouts } from "../../../src/core/fleet/rollouts/rollout.ts";
import { initialState } from "../../../src/core/model/clone-state.ts";
import type { DesiredState } from "../../../src/core/model/desired.ts";
import { silentLog } from "../../../src/ports/log.ts";
import { createRollouts, type KnownRollouts } from "../../../src/reconciler/fleet/rollouts.ts";
import { openRecorder, type Recorder } from "../../../src/reconciler/record/recorder.ts";
import { aClone, aDesired, T0 } from "../../support/fleet.ts";
import { createMemoryStore, type MemoryStore } from "../../support/memory-store/store.ts";
import { rightToAct } from "../../support/right.ts";

const clock = { now: () => T0, sleep: async () => {} };
const GROUP = "ua-core+plain";
const DESIRED = aDesired({ clones: [aClone("scribe", { workspaceDigest: "sha256:new" })] });
const STATES = new Map([["scribe", { ...initialState("scribe", T0), spec: aClone("scribe") }]]);

let store: MemoryStore;

beforeEach(() => {
  store = createMemoryStore();
});

async function boot(
  on: MemoryStore = store,
): Promise<{ recorder: Recorder; rollouts: ReturnType<typeof createRollouts> }> {
  const recorder = await openRecorder({ store: on, clock, log: silentLog, right: rightToAct() });
  return { recorder, rollouts: createRollouts({ recorder, log: silentLog }) };
}

function stepFrom(known: KnownRollouts | null, desired: DesiredState = DESIRED): RolloutStep {
  if (known === null) throw new Error("there is nothing to step");
  return stepRollouts(known.byGroup, desired, STATES, T0);
}

async function types(): Promise<readonly string[]> {
  return (await store.events({ clone: null, limit: 100 })).map(({ event: { type } }) => type);
}

test("what a step says has happened is on record before anything is declared", async () => {
  const { recorder, rollouts } = await boot();
  const known = rollouts.known(DESIRED);
  const step = stepFrom(known);
  expect(known !== null && (await rollouts.record(DESIRED, step, known))).toBe(true);
  expect(recorder.fleet.rollouts[GROUP]?.candidate?.digest).toBe("sha256:new");
  expect(await types()).toEqual(["rollout.begun"]);
  expect(rollouts.all()).toMatchObject([{ group: GROUP, candidate: { digest: "sha256:new" } }]);
  expect(stepFrom(rollouts.known(DESIRED)).events).toEqual([]);
});

test("a step that was made of rollouts which have moved since is not recorded", async () => {
  const { rollouts } = await boot();
  const known = rollouts.known(DESIRED);
  const step = stepFrom(known);
  if (known === null) throw new Error("there is nothing to step");
  expect(await rollouts.record(DESIRED, step, known)).toBe(true);
  expect(await rollouts.record(DESIRED, step, known)).toBe(false);
  expect(await types()).toEqual(["rollout.begun"]);
});

test("a step whose answer was lost is not decided again", async () => {
  const { rollouts } = await boot();
  const known = rollouts.known(DESIRED);
  const step = stepFrom(known);
  if (known === null) throw new Error("there is nothing to step");
  store.failNextCommit("after");
  await expect(rollouts.record(DESIRED, step, known)).rejects.toMatchObject({ code: "store/io" });
  const again = rollouts.known(DESIRED);
  if (again === null) throw new Error("there is nothing to step");
  expect(await rollouts.record(DESIRED, stepFrom(again), again)).toBe(false);
  expect(await types()).toEqual(["rollout.begun"]);
  expect(stepFrom(rollouts.known(DESIRED)).events).toEqual([]);
});

test("of two controllers that decide it at once one does, and the store refuses the other", async () => {
  const first = await boot();
  const second = await boot(store.share());
  const [one, other] = [first.rollouts.known(DESIRED), second.rollouts.known(DESIRED)];
  if (one === null || other === null) throw new Error("there is nothing to step");
  expect(await first.rollouts.record(DESIRED, stepFrom(one), one)).toBe(true);
  await expect(second.rollouts.record(DESIRED, stepFrom(other), other)).rejects.toMatchObject({
    code: "store/conflict",
  });
  expect(await second.rollouts.record(DESIRED, stepFrom(other), other)).toBe(false);
  expect(await types()).toEqual(["rollout.begun"]);
});

test("a fleet that stands where it is wanted needs no step until another revision comes", async () => {
  const { rollouts } = await boot();
  const still = aDesired({ clones: [aClone("scribe")] });
  const known = rollouts.known(still);
  if (known === null) throw new Error("there is nothing to step");
  expect(await rollouts.record(still, stepFrom(known, still), known)).toBe(true);
  expect(rollouts.known(still)).toBeNull();
  expect(rollouts.known(DESIRED)).not.toBeNull();
  expect(await types()).toEqual([]);
  expect(rollouts.all()).toMatchObject([{ group: GROUP, stable: "sha256:workspace", candidate: null }]);
});
