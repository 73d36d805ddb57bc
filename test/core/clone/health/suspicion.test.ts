import { expect, test } from "vitest";
import { phiOf } from "../../../../src/core/clone/health/suspicion.ts";
import { createArrivals } from "../../../../src/reconciler/callbacks/arrivals.ts";
import { Life } from "../../../support/fleet.ts";

const usual = { mean: 1_000, deviation: 200, cadenceMs: 1_000, graceMs: 0 };

test("rises with silence, and is worth a tenth of a per cent at three deviations", () => {
  const at = (silentMs: number): number => phiOf({ ...usual, silentMs });
  // Akka's own examples for this mean and deviation.
  expect(at(1_000)).toBeCloseTo(0.3, 1);
  expect(at(1_600)).toBeCloseTo(2.87, 1);
  expect(at(100)).toBeLessThan(0.001);
  expect(at(60_000)).toBe(100);
  const rising = [500, 900, 1_000, 1_200, 1_500, 2_000].map(at);
  expect(rising).toEqual([...rising].sort((a, b) => a - b));
});

test("a heartbeat that always comes to the millisecond is allowed a tenth of its cadence", () => {
  const slow = phiOf({ mean: 30_000, deviation: 0, silentMs: 33_000, cadenceMs: 30_000, graceMs: 0 });
  expect(slow).toBeCloseTo(
    phiOf({ mean: 30_000, deviation: 3_000, silentMs: 33_000, cadenceMs: 30_000, graceMs: 0 }),
    6,
  );
});

test("says nothing before enough has arrived, and begins anew with every epoch", () => {
  const { state, at } = new Life().running();
  const { instance } = state;
  if (instance === null) throw new Error("no instance");
  const arrivals = createArrivals();
  for (let beat = 0; beat <= 9; beat++) arrivals.note("scribe", 1, at + beat * 10_000);
  expect(arrivals.suspicion("scribe", instance, at + 90_000)).toBeNull();
  for (let beat = 10; beat <= 2_000; beat++) arrivals.note("scribe", 1, at + beat * 10_000);
  const last = at + 2_000 * 10_000;
  expect(arrivals.suspicion("scribe", instance, last + 1_000)).toBeLessThan(0.1);
  expect(arrivals.suspicion("scribe", instance, last + 30_000)).toBeGreaterThan(8);
  arrivals.note("scribe", 2, last);
  expect(arrivals.suspicion("scribe", instance, last)).toBeNull();
});
