import { afterEach, expect, test } from "vitest";
import { operator } from "../../../src/core/model/actor.ts";
import type { Effect } from "../../../src/core/model/effect.ts";
import { FactoryError } from "../../../src/core/model/error.ts";
import type { SteadyClock } from "../../../src/ports/clock.ts";
import { silentLog } from "../../../src/ports/log.ts";
import { createDispatcher } from "../../../src/reconciler/effects/dispatch.ts";
import type { EffectHandlers } from "../../../src/reconciler/effects/handlers.ts";
import { openRecorder, recordEvents } from "../../../src/reconciler/record/recorder.ts";
import { aClone, aMission, aReport, handleOf, REVISION, T0 } from "../../support/fleet.ts";
import { createMemoryStore } from "../../support/memory-store/store.ts";
import { rightToAct } from "../../support/right.ts";
import { until } from "../../support/until.ts";

let now = T0;
let sleep: SteadyClock["sleep"] = async () => {};
const clock: SteadyClock = {
  now: () => now++,
  monotonic: () => 0,
  sleep: (ms, signal) => sleep(ms, signal),
};
afterEach(() => {
  sleep = async () => {};
});
const PROOF = {
  containment: "group",
  rung: "sigkill",
  emptyScans: 2,
  durationMs: 1,
  evidence: "gone",
} as const;

async function aLane(handlers: Partial<EffectHandlers>) {
  const store = createMemoryStore();
  const recorder = await openRecorder({ store, clock, log: silentLog, right: rightToAct() });
  const done: string[] = [];
  const dispatcher = createDispatcher({
    recorder,
    clock,
    log: silentLog,
    handlers: {
      async carryOut(effect: Effect) {
        done.push(effect.type);
        return [];
      },
      failed: () => null,
      ...handlers,
    },
  });
  recorder.onEffects((effects) => dispatcher.add(effects));
  await recordEvents(
    recorder,
    "scribe",
    { type: "clone.declared", spec: aClone("scribe") },
    { type: "mission.assigned", mission: aMission("audit", "scribe") },
  );
  return { store, recorder, dispatcher, done };
}

test("the outcome of an effect is recorded with its settlement", async () => {
  const { store, recorder, dispatcher } = await aLane({
    async carryOut(effect, state) {
      if (effect.type === "prepare") return [{ type: "prepare.finished", gates: [] }];
      return effect.type === "launch"
        ? [{ type: "instance.launched", epoch: effect.epoch, handle: handleOf(state) }]
        : [];
    },
  });
  await recordEvents(recorder, "scribe", { type: "start.planned", revision: REVISION, why: "" });
  await dispatcher.idle();
  expect(recorder.states.get("scribe")).toMatchObject({
    phase: "Starting",
    instance: { handle: { epoch: 1 } },
  });
  expect((await store.load()).effects).toEqual([]);
});

test("a stop overtakes what is under way, aborts it, and ends first", async () => {
  const order: string[] = [];
  const { recorder, dispatcher } = await aLane({
    async carryOut(effect, _state, signal) {
      order.push(`begin ${effect.type}`);
      if (effect.type === "prepare") return [{ type: "prepare.finished", gates: [] }];
      if (effect.type === "launch") {
        await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      }
      order.push(`end ${effect.type}`);
      return effect.type === "stop" ? [{ type: "stop.finished", epoch: effect.epoch, proof: PROOF }] : [];
    },
  });
  await recordEvents(recorder, "scribe", { type: "start.planned", revision: REVISION, why: "" });
  while (!order.includes("begin launch")) await new Promise(setImmediate);
  await recordEvents(recorder, "scribe", {
    type: "kill.requested",
    by: operator("ann"),
    reason: "",
    now: true,
  });
  await dispatcher.idle();
  expect(order).toEqual([
    "begin prepare",
    "begin launch",
    "begin stop",
    "end stop",
    "begin trace",
    "end trace",
  ]);
  expect(recorder.states.get("scribe")).toMatchObject({ mission: null, instance: null });
});

test("trouble outside is tried again until it reconciler; an effect whose time is over is settled without being done", async () => {
  let failures = 3;
  const { store, recorder, dispatcher, done } = await aLane({
    async carryOut(effect) {
      if (effect.type === "prepare" && failures-- > 0) throw new FactoryError("driver/busy", "retry", "busy");
      done.push(effect.type);
      return effect.type === "prepare"
        ? [
            {
              type: "prepare.finished",
              gates: [{ type: "Healthy", ok: false, reason: "No", evidence: "", at: 0 }],
            },
          ]
        : [];
    },
  });
  await recordEvents(recorder, "scribe", { type: "start.planned", revision: REVISION, why: "" });
  await dispatcher.idle();
  expect(done).toEqual(["prepare"]);
  dispatcher.add([{ id: "late", clone: "scribe", effect: { type: "dispatch", epoch: 1 } }]);
  await dispatcher.idle();
  expect(done).toEqual(["prepare"]);
  expect((await store.load()).effects).toEqual([]);
});

test("what a closed dispatcher left is on record for the next one", async () => {
  const { store, recorder, dispatcher } = await aLane({
    carryOut: (_effect, _state, signal) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  });
  await recordEvents(recorder, "scribe", { type: "start.planned", revision: REVISION, why: "" });
  await dispatcher.close();
  expect((await store.load()).effects.map(({ effect }) => effect.type)).toEqual(["prepare"]);
});

test("what was prepared for an earlier declaration does not pass for the present one", async () => {
  const prepared: string[] = [];
  let release: () => void = () => {};
  const first = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { recorder, dispatcher } = await aLane({
    async carryOut(effect, state) {
      if (effect.type !== "prepare") return [];
      prepared.push(state.spec?.workspaceDigest ?? "");
      if (prepared.length === 1) await first;
      return [{ type: "prepare.finished", gates: [] }];
    },
  });
  const start = { type: "start.planned", revision: REVISION, why: "" } as const;
  await recordEvents(recorder, "scribe", start);
  while (prepared.length === 0) await new Promise(setImmediate);
  const spec = aClone("scribe", { workspaceDigest: "sha256:new" });
  await recordEvents(recorder, "scribe", { type: "clone.declared", spec }, start);
  release();
  await dispatcher.idle();
  expect(prepared).toEqual(["sha256:workspace", "sha256:new"]);
  expect(recorder.states.get("scribe")).toMatchObject({ phase: "Starting", epoch: 1 });
});

/** A lane whose mission was accepted, by way of handlers that answer at once. */
async function aRunningLane(handlers: Pick<EffectHandlers, "carryOut" | "failed">) {
  const lane = await aLane({
    async carryOut(effect, state, signal) {
      if (effect.type === "prepare") return [{ type: "prepare.finished", gates: [] }];
      if (effect.type === "launch")
        return [{ type: "instance.launched", epoch: effect.epoch, handle: handleOf(state) }];
      return effect.type === "dispatch" ? [] : handlers.carryOut(effect, state, signal);
    },
    failed: handlers.failed,
  });
  await recordEvents(lane.recorder, "scribe", { type: "start.planned", revision: REVISION, why: "" });
  await lane.dispatcher.idle();
  const says = (type: "instance.ready" | "mission.accepted", seq: number) =>
    recordEvents(lane.recorder, "scribe", {
      type: "instance.reported",
      epoch: 1,
      report: aReport(type, { seq, detail: { callback_ms: 1, checks: [] } }),
    });
  await says("instance.ready", 1);
  await lane.dispatcher.idle();
  await says("mission.accepted", 2);
  expect(lane.recorder.states.get("scribe")?.phase).toBe("Running");
  return lane;
}

const PAUSED = {
  type: "hold.placed",
  by: operator("ann"),
  hold: {
    kind: "operator",
    owner: "operator:ann",
    since: T0,
    reason: "PausedByHand",
    message: "",
    clearBy: "operator",
  },
} as const;

test("a pause does not wait behind what cannot be done just now", async () => {
  let refusals = 100;
  const done: string[] = [];
  const { recorder, dispatcher } = await aRunningLane({
    async carryOut(effect) {
      if (effect.type === "configure" && !done.includes("pause") && refusals-- > 0)
        throw new FactoryError("driver/unreachable", "retry", "no answer");
      done.push(effect.type);
      return effect.type === "pause" ? [{ type: "instance.paused", epoch: 1 }] : [];
    },
    failed: () => null,
  });
  sleep = () => new Promise((resolve) => setImmediate(resolve));
  dispatcher.add([{ id: "moved", clone: "scribe", effect: { type: "configure", epoch: 1 } }]);
  await recordEvents(recorder, "scribe", PAUSED);
  await dispatcher.idle();
  expect(done).toEqual(["pause", "configure"]);
});

test("a pause wakes a lane that waits for its next attempt", async () => {
  const sleepers: (() => void)[] = [];
  sleep = (_ms, signal) =>
    new Promise((resolve, reject) => {
      sleepers.push(resolve);
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
  const done: string[] = [];
  const { recorder, dispatcher } = await aRunningLane({
    async carryOut(effect) {
      if (effect.type === "configure" && !done.includes("pause"))
        throw new FactoryError("driver/unreachable", "retry", "no answer");
      done.push(effect.type);
      return effect.type === "pause" ? [{ type: "instance.paused", epoch: 1 }] : [];
    },
    failed: () => null,
  });
  dispatcher.add([{ id: "moved", clone: "scribe", effect: { type: "configure", epoch: 1 } }]);
  while (sleepers.length === 0) await new Promise(setImmediate);
  await recordEvents(recorder, "scribe", PAUSED);
  await until(() => done.length === 2);
  expect(done).toEqual(["pause", "configure"]);
});

test("an effect that is asked for at the moment at which its lane falls idle is carried out", async () => {
  const { recorder, dispatcher, done } = await aLane({});
  await recordEvents(recorder, "scribe", { type: "start.planned", revision: REVISION, why: "" });
  await dispatcher.idle();
  const lateness = 40;
  for (let late = 0; late < lateness; late++) {
    dispatcher.add([{ id: `a${late}`, clone: "scribe", effect: { type: "prepare" } }]);
    for (let turn = 0; turn < late; turn++) await Promise.resolve();
    dispatcher.add([{ id: `b${late}`, clone: "scribe", effect: { type: "prepare" } }]);
    await dispatcher.idle();
  }
  expect(done).toHaveLength(1 + 2 * lateness);
});

test("what yields to others does not turn in circles with its like", async () => {
  let attempts = 0;
  const waits: number[] = [];
  sleep = async (ms) => void waits.push(ms);
  const { dispatcher } = await aRunningLane({
    async carryOut() {
      attempts += 1;
      if (attempts <= 10) throw new FactoryError("driver/unreachable", "retry", "no answer");
      return [];
    },
    failed: () => null,
  });
  dispatcher.add([
    { id: "moved", clone: "scribe", effect: { type: "configure", epoch: 1 } },
    { id: "missed", clone: "scribe", effect: { type: "pull", epoch: 1 } },
  ]);
  await dispatcher.idle();
  expect(waits).toHaveLength(10);
  expect(attempts).toBe(12);
});

test("an outcome that cannot be recorded is written again, and its effect is not done twice", async () => {
  let refusals = 0;
  const { store, recorder, dispatcher, done } = await aLane({
    async carryOut(effect) {
      done.push(effect.type);
      refusals = 3;
      return [{ type: "prepare.finished", gates: [] }];
    },
  });
  const { commit } = store;
  store.commit = async (batch) => {
    if (refusals-- > 0) throw new FactoryError("store/busy", "retry", "the disk is full");
    return commit(batch);
  };
  await recordEvents(recorder, "scribe", { type: "start.planned", revision: REVISION, why: "" });
  await until(() => recorder.states.get("scribe")?.phase === "Starting");
  expect(done[0]).toBe("prepare");
  expect(done.filter((type) => type === "prepare")).toHaveLength(1);
  await dispatcher.close();
});
