/** A drill with real processes: launched, made stubborn, killed with proof, and kept. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDrills } from "../../src/adapters/drill/drill.ts";
import { systemClock } from "../../src/adapters/system/clock.ts";
import { systemRandom } from "../../src/adapters/system/random.ts";
import { FactoryError } from "../../src/core/model/error.ts";
import { driverNamed, openDrivers } from "../../src/drivers.ts";
import type { Driver } from "../../src/ports/driver.ts";

let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "factory-drill-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const driver = () => driverNamed(openDrivers({ dataDir: directory, installation: "drill" }), "process");
const drivers = (one: Driver) => new Map([[one.name, one]]);
const parts = () => ({ directory, clock: systemClock(), random: systemRandom() });

test("a drill ends in proof, leaves nothing behind, and is kept with its time to death", async () => {
  const drills = createDrills({ ...parts(), drivers: drivers(driver()) });
  const result = await drills.run({ target: "canary", driver: "process", isolation: "group", enter: "now" });
  expect(result).toMatchObject({ target: "canary", passed: true, deathMs: expect.any(Number) });
  expect(["sigkill", "containment", "sweep"]).toContain(result?.rung);
  expect(createDrills({ ...parts(), drivers: drivers(driver()) }).results()).toEqual([result]);
});

test("one that leaves a survivor has failed, and says why", async () => {
  const real = driver();
  const blind = {
    ...real,
    stop: async () => {
      throw new FactoryError("driver/survivors", "retry", "2 processes still live");
    },
  };
  const failed = await createDrills({ ...parts(), drivers: drivers(blind) }).run({
    target: "canary",
    driver: "process",
    isolation: "group",
    enter: "term",
  });
  expect(failed).toMatchObject({ passed: false, deathMs: null, evidence: "2 processes still live" });
  // The next one ends first what this one left.
  const next = await createDrills({ ...parts(), drivers: drivers(real) }).run({
    target: "canary",
    driver: "process",
    isolation: "group",
    enter: "now",
  });
  expect(next?.passed, next?.evidence).toBe(true);
});
