import { systemClock } from "../../adapters/system/clock.ts";
import type { Call } from "../command.ts";
import { EXIT } from "../exit.ts";
import { startController } from "./controller.ts";
import { DEMO_TIME_MAX_MS, follow } from "./follow.ts";
import { readPiece, readResults, STATUS_REF } from "./result.ts";
import { makeScratch } from "./scratch.ts";
import { createStage, showEnd } from "./stage.ts";

/**
 * Runs the sample fleet for real: a bare repository as the origin, a controller
 * as a process of its own, and a merge that asks for the missions. Leaves
 * everything in its folder. Ends with 1 when a mission does not complete.
 */
export async function runDemo({ io, globals }: Call<object>): Promise<number> {
  const clock = systemClock();
  const stage = createStage(io, { json: globals.json === true, begunAt: clock.now() });
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  process.once("SIGINT", interrupt);
  process.once("SIGTERM", interrupt);
  const deadline = clock.now() + DEMO_TIME_MAX_MS;
  const scratch = await makeScratch(globals.dir, () =>
    stage.say("making a scratch repository with the sample fleet"),
  );
  stage.say(`origin  ${scratch.origin}`);
  if (scratch.unheld !== null)
    stage.say(
      `checks  ${scratch.unheld}; this demo's own checks run all the same. In a fleet of yours they wait for a person: apt-get install bubblewrap`,
    );
  for (const { name, why } of scratch.left) stage.say(`left out: mission ${name}, ${why}`);
  const controller = await startController(scratch, clock);
  try {
    const watch = { controller, scratch, clock, stage, deadline, signal: interrupted.signal, ends: true };
    await follow(watch, (fleet) => fleet.source.revision !== null && fleet.clones.length > 0);
    stage.say(`fleet   read, no missions yet`);
    stage.say(`merge   ${(await scratch.merge()).slice(0, 12)} brings ${scratch.missions.join(", ")}`);
    await follow(watch, () => false);
  } finally {
    stage.done();
    await controller.abort();
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  }
  const missions = await readResults(scratch);
  if (globals.json === true) {
    io.json({ origin: scratch.origin, status_ref: STATUS_REF, data: scratch.data, missions });
  } else showEnd(io, { scratch, missions, piece: await readPiece(scratch, missions) });
  return missions.length > 0 && missions.every((mission) => mission.phase === "Completed")
    ? EXIT.fine
    : EXIT.problems;
}
