/** How long a controller that does not answer is waited for, on a clock that the test winds. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { watchForOrphans } from "../../../src/shim/session/orphan-watch.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function deserted(afterMs: number, intervalMs = 1_000) {
  const calls: number[] = [];
  const begunAt = performance.now();
  const watch = watchForOrphans({
    intervalMs: () => intervalMs,
    orphanAfterMs: () => afterMs,
    onOrphaned: () => calls.push(Math.round(performance.now() - begunAt)),
  });
  return { watch, calls };
}

test("nothing happens before its time, and from then on at every interval while it lasts", () => {
  const { watch, calls } = deserted(5_000);
  vi.advanceTimersByTime(4_999);
  expect(calls).toEqual([]);
  vi.advanceTimersByTime(1 + 2_000);
  expect(calls).toEqual([5_000, 6_000, 7_000]);
  watch.stop();
  vi.advanceTimersByTime(10_000);
  expect(calls).toHaveLength(3);
});

test("an answer begins the time anew, and ends it", () => {
  const { watch, calls } = deserted(5_000);
  vi.advanceTimersByTime(4_000);
  watch.reached();
  const at = watch.reachedAt;
  vi.advanceTimersByTime(4_990);
  expect(calls).toEqual([]);
  vi.advanceTimersByTime(1_000);
  expect(calls.length).toBeGreaterThan(0);
  watch.reached();
  expect(watch.reachedAt - at).toBe(5_990);
  const before = calls.length;
  vi.advanceTimersByTime(4_000);
  expect(calls).toHaveLength(before);
  watch.stop();
});

test("a try in vain is noted, and changes nothing", () => {
  const { watch } = deserted(5_000);
  const begunAt = watch.reachedAt;
  vi.advanceTimersByTime(700);
  watch.missed();
  expect([watch.missedAt - begunAt, watch.reachedAt - begunAt]).toEqual([700, 0]);
  watch.stop();
});

test("a wait that is shorter than an interval is not slept through", () => {
  const { watch, calls } = deserted(300, 60_000);
  vi.advanceTimersByTime(300);
  expect(calls).toEqual([300]);
  watch.stop();
});

test("while we stood still ourselves nobody could have reached us", () => {
  const { watch, calls } = deserted(5_000);
  vi.advanceTimersByTime(1_000);
  // The timer is an hour late, as after a suspension.
  const real = performance.now.bind(performance);
  const clock = vi.spyOn(performance, "now").mockImplementation(() => real() + 3_600_000);
  vi.advanceTimersByTime(1_500);
  expect(calls).toEqual([]);
  expect(watch.reachedAt).toBeLessThanOrEqual(performance.now());
  vi.advanceTimersByTime(5_000);
  expect(calls.length).toBeGreaterThan(0);
  watch.stop();
  clock.mockRestore();
});
