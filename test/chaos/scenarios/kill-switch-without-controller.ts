/** The controller is killed, then the switch is engaged: shims obey the file, and one that is stopped is ended from outside. */
import { factory } from "../../cli/support.ts";
import { agentCommand, createWorld, isAlive, missionUntil, processesOf } from "../../e2e/world.ts";
import { cloneName, fleetFiles, pairFiles } from "../../support/fleet-files.ts";
import type { About, ScenarioOptions, ScenarioResult } from "../scenario.ts";

const NAMES = ["one", "two", "three"] as const;

export const about: About = { where: "controller" };

export async function run(options: ScenarioOptions): Promise<ScenarioResult> {
  const world = await createWorld("chaos-switch");
  try {
    const documents = NAMES.map((name) =>
      pairFiles(name, { command: agentCommand("works.js", world.ledgerPath(), 100_000, 50) }),
    );
    await world.origin.commit(Object.assign(fleetFiles(), ...documents));
    const controller = await world.start();
    for (const name of NAMES) await missionUntil(controller, name, ({ phase }) => phase === "Running");
    const processes = NAMES.map((name) => processesOf(world.dataDir, cloneName(name), 1));
    await controller.kill();
    const stopped = processes[0]?.shim ?? null;
    if (stopped !== null) process.kill(stopped, "SIGSTOP");
    options.log(`${NAMES.length} clones run, their controller is dead, one shim is stopped`);

    const begun = performance.now();
    const said = await factory(
      { cwd: world.path },
      "--data",
      world.dataDir,
      "kill",
      "--all",
      "--reason",
      "chaos",
    );
    const tookMs = Math.round(performance.now() - begun);
    options.log(said.stdout.trim());
    const left = processes.filter(({ shim, agent }) => isAlive(shim) || isAlive(agent)).length;

    const next = await world.start();
    const closed: string[] = [];
    for (const name of NAMES) {
      const mission = await missionUntil(next, name, ({ closure }) => closure !== null);
      closed.push(`${name} ${mission.phase}`);
    }
    options.log(closed.join(", "));
    const open = closed.filter((line) => !line.endsWith("Cancelled"));
    const problems = [
      ...(said.code === 0 ? [] : [`factory kill ended with ${said.code}`]),
      ...(left === 0 ? [] : [`${left} instances outlived the switch`]),
      ...open.map((line) => `${line}, expected Cancelled`),
    ];
    return {
      injected: "controller killed, one shim stopped, kill switch engaged for the fleet",
      detected: "shims obeyed the file, the stopped one was ended from outside, all with proof",
      detectedAfterMs: tookMs,
      lost: problems.length === 0 ? null : problems.join("; "),
    };
  } finally {
    await world.close();
  }
}
