/**
 * The kill switch while the record cannot be written: the disk of the data directory is full to its last
 * byte. What lives dies all the same, and what became of it is recorded when there is room again.
 */
import {
  agentCommand,
  createWorld,
  eventually,
  isAlive,
  missionUntil,
  processesOf,
} from "../../e2e/world.ts";
import { cloneName, fleetFiles, pairFiles } from "../../support/fleet-files.ts";
import { mountSmallDisk } from "../faults/disk.ts";
import type { About, ScenarioOptions, ScenarioResult } from "../scenario.ts";

const NAMES = ["one", "two"] as const;
const DISK_MIB = 48;

const INJECTED = "kill switch engaged while the disk of the data directory is full to its last byte";

export const about: About = { where: "record" };

export async function run({ log }: ScenarioOptions): Promise<ScenarioResult> {
  const world = await createWorld("chaos-switch-disk");
  const disk = mountSmallDisk(world.dataDir, DISK_MIB);
  try {
    const documents = NAMES.map((mission) =>
      pairFiles(mission, {
        command: agentCommand("works.js", world.ledgerPath(), 100_000, 50),
      }),
    );
    await world.origin.commit(Object.assign(fleetFiles(), ...documents));
    const controller = await world.start();
    for (const mission of NAMES) await missionUntil(controller, mission, ({ phase }) => phase === "Running");
    const processes = NAMES.map((mission) => processesOf(world.dataDir, cloneName(mission), 1));
    disk.fill();
    log(INJECTED);

    const begun = performance.now();
    const said = await controller.client.call("engageKillSwitch", {
      scope: { type: "fleet" },
      reason: "chaos",
    });
    const left = (): number => processes.filter(({ shim, agent }) => isAlive(shim) || isAlive(agent)).length;
    await eventually(
      left,
      (living) => living === 0,
      () => `everything to be dead\n${controller.log().slice(-3_000)}`,
    );
    const deadAfterMs = Math.round(performance.now() - begun);
    // Whoever could write would have no need for any of this.
    const unrecorded = controller.log().includes("could not be recorded in time");
    log(`all dead after ${deadAfterMs} ms, on a disk that takes nothing`);

    disk.empty();
    const closed: string[] = [];
    for (const mission of NAMES) {
      const view = await missionUntil(controller, mission, ({ closure }) => closure !== null);
      closed.push(`${mission} ${view.phase}`);
    }
    const recoveredAfterMs = Math.round(performance.now() - begun);
    const engaged = (await controller.client.call("killSwitch")).engaged.map(({ scope }) => scope.type);
    const problems = [
      ...(unrecorded ? [] : ["the record could be written, so nothing was shown"]),
      ...(said.ok ? [] : [`the switch answered: ${said.message}`]),
      ...(engaged.join() === "fleet" ? [] : [`engaged is [${engaged.join()}], expected fleet`]),
      ...closed.filter((line) => !line.endsWith("Cancelled")).map((line) => `${line}, expected Cancelled`),
    ];
    return {
      injected: INJECTED,
      detected: "every instance dead without a record of it",
      detectedAfterMs: deadAfterMs,
      recovered: "recorded with proof once the disk took it; the missions stay cancelled",
      recoveredAfterMs,
      lost: problems.length === 0 ? null : problems.join("; "),
    };
  } finally {
    disk.empty();
    // The mount goes with the walls, and its folder with those of the scenario.
    await world.close().catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EBUSY") throw error;
    });
  }
}
