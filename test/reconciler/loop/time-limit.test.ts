import { expect, test } from "vitest";
import { withTimeLimit } from "../../../src/reconciler/loop/time-limit.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";

const what = "the listing of driver fake";

/** Ends only when its signal is aborted, and then as the signal says. */
function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const fail = (): void => reject(signal.reason);
    if (signal.aborted) fail();
    else signal.addEventListener("abort", fail);
  });
}

test("work that answers in time is answered, and nothing waits any longer", async () => {
  const clock = createVirtualClock();
  const { signal } = new AbortController();
  const limit = { ms: 30_000, what, clock, signal };
  await expect(withTimeLimit(limit, async () => "seen")).resolves.toBe("seen");
  await expect(withTimeLimit(limit, () => Promise.reject(new Error("it failed")))).rejects.toThrow(
    "it failed",
  );
  expect(await clock.step()).toBe(false);
});

test("work that takes longer is given up by the clock, which says what took how long", async () => {
  const clock = createVirtualClock();
  const { signal } = new AbortController();
  const work = withTimeLimit({ ms: 30_000, what, clock, signal }, untilAborted);
  const given = expect(work).rejects.toMatchObject({
    code: "work/too-slow",
    disposition: "retry",
    message: "the listing of driver fake took longer than 30000 ms",
  });
  const before = clock.now();
  expect(await clock.step()).toBe(true);
  expect(clock.now() - before).toBe(30_000);
  await given;
});

test("work is given up with its caller, before and while it is done", async () => {
  const clock = createVirtualClock();
  const caller = new AbortController();
  const limit = { ms: 30_000, what, clock, signal: caller.signal };
  const work = expect(withTimeLimit(limit, untilAborted)).rejects.toThrow("the controller is closing");
  caller.abort(new Error("the controller is closing"));
  await work;
  await expect(withTimeLimit(limit, untilAborted)).rejects.toThrow("the controller is closing");
  expect(await clock.step()).toBe(false);
});
