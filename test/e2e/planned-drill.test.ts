/** A drill that `fleet.yaml` plans, from its schedule to the board and the command line. */
import { expect, test } from "vitest";
import { factory } from "../cli/support.ts";
import { cloneFile, cloneName, fleetFiles } from "../support/fleet-files.ts";
import { agentCommand, createWorld, eventually } from "./world.ts";

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
      () => controller.client.call("fleet"),
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
