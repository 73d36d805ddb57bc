/** A drill with real processes: launched, made stubborn, killed with proof, and listed. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDrills } from "../../src/adapters/drill/drill.ts";
import { createProcessDriver } from "../../src/adapters/drivers/process/driver.ts";
import { systemClock } from "../../src/adapters/system/clock.ts";
import { systemRandom } from "../../src/adapters/system/random.ts";
import { FactoryError } from "../../src/core/model/error.ts";
import type { Driver } from "../../src/ports/driver.ts";
import { factory } from "../cli/support.ts";
import { cloneFile, cloneName, fleetFiles } from "../support/fleet-files.ts";
import { agentCommand, createWorld, eventually } from "./world.ts";

let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "factory-drill-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const driver = () => createProcessDriver({ directory: join(directory, "instances"), installation: "drill" });
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

test("a drill that fleet.yaml plans is made when its time comes, beside the fleet, and shown", async () => {
  const world = await createWorld("planned-drill");
  try {
    const clone = cloneName("proven");
    await world.origin.commit({
      ...fleetFiles({ drills: { kill: { schedule: "* * * * *", targets: [clone] } } }),
      ...cloneFile(clone, { command: agentCommand("works.js", world.ledgerPath(), 1, 50) }),
    });
    const controller = await world.start();
    // The schedule comes round once a minute, and no oftener can be planned.
    const { drills } = await eventually(
      () => controller.client.fleet(),
      (view) => view.drills.newest.length > 0,
      () => `a drill\n${controller.log().slice(-3_000)}`,
      150_000,
    );
    expect(drills.newest, controller.log()).toMatchObject([{ target: clone, passed: true, enter: "term" }]);
    expect(drills.plan?.nextAt).toBeGreaterThan(Date.parse(drills.newest[0]?.at ?? ""));
    const board = await eventually(
      () => world.status("README.md"),
      (text) => text.includes("Drills of the kill"),
      () => "the board to tell of the drill",
    );
    expect(board).toContain(`✅ \`${clone}\``);
    const run = { cwd: world.path, env: { FACTORY_DATA: world.dataDir } };
    expect((await factory(run, "status")).stdout).toContain("Drills of the kill");
    expect(await factory(run, "drills")).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`${clone}: dead after`),
    });
    expect(world.ledger()).toEqual([]);
  } finally {
    await world.close();
  }
}, 240_000);
