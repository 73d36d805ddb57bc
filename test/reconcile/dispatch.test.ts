import { expect, test } from "vitest";
import { createMemoryStore } from "../../src/adapters/memory/store.ts";
import type { Effect } from "../../src/core/model/effect.ts";
import { FactoryError } from "../../src/core/model/error.ts";
import { silentLog } from "../../src/ports/log.ts";
import { createDispatcher } from "../../src/reconcile/dispatch.ts";
import type { EffectHandlers } from "../../src/reconcile/effects.ts";
import { openRecorder, recordEvents } from "../../src/reconcile/record.ts";
import { aClone, aMission, handleOf, REVISION, T0 } from "../support/fleet.ts";

let now = T0;
const clock = { now: () => now++, sleep: async () => {} };
const PROOF = {
  containment: "group",
  rung: "sigkill",
  emptyScans: 2,
  durationMs: 1,
  evidence: "gone",
} as const;

async function aLane(handlers: Partial<EffectHandlers>) {
  const store = createMemoryStore();
  const recorder = await openRecorder({ store, clock, log: silentLog });
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
    by: "operator:ann",
    reason: "",
    now: true,
  });
  await dispatcher.idle();
  expect(order).toEqual(["begin prepare", "begin launch", "begin stop", "end stop"]);
  expect(recorder.states.get("scribe")).toMatchObject({ mission: null, instance: null });
});

test("trouble outside is tried again until it passes; an effect whose time is over is settled without being done", async () => {
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
