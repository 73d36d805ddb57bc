import { expect, test } from "vitest";
import { silentLog } from "../../../src/ports/log.ts";
import type { Controller } from "../../../src/reconciler/controller.ts";
import type { LoopKey } from "../../../src/reconciler/loop/handlers.ts";
import { startLoop } from "../../../src/reconciler/loop/loop.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A controller of which only the passes matter: when each began, and what it does. */
function loopWith(pass: () => Promise<void> = async () => {}, flushMs = Number.POSITIVE_INFINITY) {
  const clock = createVirtualClock(0);
  let wake: (key: LoopKey) => void = () => {};
  const passes: number[] = [];
  const touched: number[] = [];
  const controller: Partial<Controller> = {
    poll: async () => {},
    supervise: async () => false,
    obeySwitch: () => {},
    publish: async () => "waiting",
    flushMs: () => flushMs,
    touch: () => void touched.push(clock.monotonic()),
    keepRight: () => new Promise(() => {}),
    mustEnd: () => null,
    deliverNotices: () => {},
    makeDrills: () => {},
    onWake: (listener) => {
      wake = listener;
    },
    async reconcile() {
      passes.push(clock.monotonic());
      await pass();
    },
  };
  const loop = startLoop(
    controller as Controller,
    { clock, random: { nonce: () => "", fraction: () => 0.5 }, log: silentLog },
    { pollMs: 1_000_000, untilClosed: false, once: false },
  );
  const runUntil = async (at: number): Promise<void> => {
    await turn(); // It begins before time passes.
    while (clock.monotonic() < at && (await clock.step())) {}
  };
  return { clock, mark: () => wake("fleet"), passes, touched, loop, runUntil };
}

test("the first pass follows the first look at once, and what happens is acted upon when it happens", async () => {
  const { clock, mark, passes, loop, runUntil } = loopWith();
  await turn();
  expect(passes).toEqual([0]);
  await runUntil(500);
  expect(passes).toEqual([0]);
  const at = clock.monotonic();
  mark();
  await turn();
  expect(passes).toEqual([0, at]);
  loop.stop();
});

test("what happens during a pass is acted upon by another one, after a rest", async () => {
  const { mark, passes, loop, runUntil } = loopWith(async () => {
    if (passes.length < 4) mark();
  });
  await runUntil(1_000);
  expect(passes).toEqual([0, 10, 20, 30]);
  loop.stop();
});

test("passes that take long take a fifth of the time, and no rest is longer than a tick", async () => {
  const { clock, mark, passes, loop, runUntil } = loopWith(async () => {
    await clock.sleep(passes.length < 3 ? 20 : 200);
    mark();
  });
  await runUntil(1_400);
  expect(passes.slice(0, 5)).toEqual([0, 100, 200, 650, 1_100]);
  loop.stop();
});

test("publishes routine at the interval that the fleet declares", async () => {
  const { touched, loop, runUntil } = loopWith(async () => {}, 30_000);
  await runUntil(100_000);
  expect(touched.map((at) => Math.floor(at / 1_000))).toEqual([30, 60, 90]);
  loop.stop();
});
