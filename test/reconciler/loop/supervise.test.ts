import { expect, test } from "vitest";
import { operator } from "../../../src/core/model/actor.ts";
import type { Hold } from "../../../src/core/model/hold.ts";
import { MINUTE_MS, SECOND_MS } from "../../../src/core/model/time.ts";
import { silentLog } from "../../../src/ports/log.ts";
import type { Store } from "../../../src/ports/store.ts";
import { createWatching } from "../../../src/reconciler/loop/absence.ts";
import { createLagMeter } from "../../../src/reconciler/loop/lag.ts";
import { createProber } from "../../../src/reconciler/loop/probing.ts";
import { superviseOnce } from "../../../src/reconciler/loop/supervise.ts";
import { openRecorder } from "../../../src/reconciler/record/recorder.ts";
import { T0 } from "../../support/fleet.ts";
import { createMemoryStore } from "../../support/memory-store/store.ts";
import { rightToAct } from "../../support/right.ts";
import { bringUp } from "../../support/running.ts";
import { until } from "../../support/until.ts";

const NAME = "scribe";
const INTERVAL_MS = 10 * SECOND_MS;

/** A machine with two clocks of which one can be set, a record that can be held up, and one instance that was heard at `T0`. */
async function running() {
  const time = { steadyMs: 0, setByMs: 0 };
  const clock = {
    now: () => T0 + time.steadyMs + time.setByMs,
    monotonic: () => time.steadyMs,
    sleep: () => new Promise<void>(() => {}),
  };
  const disk: Store = createMemoryStore();
  let held: Promise<void> = Promise.resolve();
  let waits = false;
  const store: Store = {
    ...disk,
    async commit(batch) {
      waits = true;
      await held;
      waits = false;
      return disk.commit(batch);
    },
  };
  const recorder = await openRecorder({ store, clock, log: silentLog, right: rightToAct() });
  await bringUp(recorder, NAME, { heartbeatSeconds: INTERVAL_MS / SECOND_MS });
  const heard = (): Promise<void> =>
    recorder.putSignal({
      receivedAt: clock.now(),
      heartbeat: {
        missionId: null,
        clone: NAME,
        epoch: 1,
        seq: 1 + time.steadyMs,
        lastEventSeq: 2,
        phase: "running",
        lastEventAgeMs: 0,
        lastProgressAgeMs: 0,
        openToolCalls: [],
        usage: { llmCalls: null, costMicros: null, activeMs: 0 },
      },
    });
  await heard();
  const watching = createWatching(clock);
  const lag = createLagMeter(clock);
  const prober = createProber({ drivers: new Map(), clock, log: silentLog });
  return {
    health: () => recorder.states.get(NAME)?.instance?.health,
    reconciler: (ms: number) => {
      time.steadyMs += ms;
    },
    isSet: (byMs: number) => {
      time.setByMs += byMs;
    },
    heard,
    tick() {
      watching.begin(lag.readMs);
      return superviseOnce({ recorder, watching, prober, policy: null });
    },
    /** Asks what is due while an earlier transaction keeps the record busy; `meanwhile` happens before its turn. */
    async whileBusy(meanwhile: () => void) {
      let release = (): void => {};
      held = new Promise((resolve) => {
        release = resolve;
      });
      const earlier = recorder.write(NAME, () => ({
        events: [{ type: "callback.pull_due", epoch: 1, evidence: "test" }],
      }));
      await until(() => waits);
      watching.begin(lag.readMs);
      const asking = superviseOnce({ recorder, watching, prober, policy: null });
      meanwhile();
      release();
      await Promise.all([earlier, asking]);
    },
  };
}

test("a pause until a moment ends on a lane without a mission, too", async () => {
  const time = { steadyMs: 0 };
  const clock = {
    now: () => T0 + time.steadyMs,
    monotonic: () => time.steadyMs,
    sleep: () => new Promise<void>(() => {}),
  };
  const recorder = await openRecorder({
    store: createMemoryStore(),
    clock,
    log: silentLog,
    right: rightToAct(),
  });
  const ann = operator("ann");
  const hold: Hold = {
    kind: "operator",
    owner: "operator:ann",
    since: T0,
    reason: "PausedByHand",
    message: "paused by ann",
    clearBy: "operator",
    until: T0 + MINUTE_MS,
  };
  await recorder.write(NAME, () => ({ events: [{ type: "hold.placed", by: ann, hold }] }));
  const watching = createWatching(clock);
  const lag = createLagMeter(clock);
  const prober = createProber({ drivers: new Map(), clock, log: silentLog });
  const holdsAfter = async (ms: number) => {
    time.steadyMs += ms;
    watching.begin(lag.readMs);
    await superviseOnce({ recorder, watching, prober, policy: null });
    return recorder.states.get(NAME)?.holds.length;
  };
  expect(await holdsAfter(MINUTE_MS - 1)).toBe(1);
  expect(await holdsAfter(1)).toBe(0);
});

test("silence is recorded as the record lets it, with what is known by then", async () => {
  const machine = await running();
  machine.reconciler(1.5 * INTERVAL_MS);
  await machine.whileBusy(() => {});
  expect(machine.health()).toBe("suspect");
});

// Once suspect, so that the question is in the queue when the clock is set.
test.each([
  ["put back to before it was heard", -20 * SECOND_MS],
  ["set forwards", 5 * MINUTE_MS],
])("a clock that is %s while a finding waits for the record makes nobody silent", async (_, setByMs) => {
  const machine = await running();
  // For long enough that somebody who is taken for silent since then would be lost.
  for (let waited = 0; waited < 6 * INTERVAL_MS; waited += INTERVAL_MS) {
    machine.reconciler(INTERVAL_MS);
    await machine.heard();
    await machine.tick();
  }
  machine.reconciler(1.5 * INTERVAL_MS);
  await machine.whileBusy(() => machine.isSet(setByMs));
  expect(machine.health()).not.toMatch(/degraded|lost/);
  await machine.heard();
  await machine.tick();
  expect(machine.health()).toBe("healthy");
});

test("whoever was heard while the finding waited is not silent", async () => {
  const machine = await running();
  machine.reconciler(1.5 * INTERVAL_MS);
  await machine.whileBusy(() => void machine.heard());
  expect(machine.health()).toBe("healthy");
});

test("after the clock was put back, silence is counted from then", async () => {
  const machine = await running();
  machine.isSet(-5 * MINUTE_MS);
  await machine.tick();
  machine.reconciler(2 * INTERVAL_MS);
  await machine.tick();
  expect(machine.health()).toBe("suspect");
  machine.reconciler(3 * INTERVAL_MS);
  await machine.tick();
  expect(machine.health()).toBe("lost");
});
