import { systemClock } from "../../adapters/system/clock.ts";
import { FactoryError } from "../../core/model/error.ts";
import { MINUTE_MS } from "../../core/model/time.ts";
import type { FleetView } from "../../core/status/view.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Call } from "../command.ts";
import { EXIT } from "../exit.ts";
import { type DemoController, diedEarly, pause, startController } from "./controller.ts";
import { readPiece, readResults, STATUS_REF } from "./result.ts";
import { makeScratch, type Scratch } from "./scratch.ts";
import { createStage, type Stage, showEnd } from "./stage.ts";

/** The whole demo. The sample missions take seconds; a machine that needs longer than this is stuck. */
const DEMO_TIME_MAX_MS = 5 * MINUTE_MS;
const LOOK_MS = 150;
/** Looks at a controller that does not answer, while its process lives. */
const SILENT_LOOKS_MAX = 100;

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
    const watch = { controller, scratch, clock, stage, deadline, signal: interrupted.signal };
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

interface Watch {
  readonly controller: DemoController;
  readonly scratch: Scratch;
  readonly clock: Clock;
  readonly stage: Stage;
  readonly deadline: number;
  readonly signal: AbortSignal;
}

/** Shows the fleet until `enough`, or until the controller ended by itself because every mission is closed. */
async function follow(watch: Watch, enough: (fleet: FleetView) => boolean): Promise<void> {
  const { controller, scratch, clock, stage, deadline, signal } = watch;
  let silent = 0;
  let closed = false;
  for (;;) {
    if (signal.aborted)
      throw new FactoryError("demo/interrupted", "retry", `interrupted; ${scratch.dir} has what was done`);
    if (clock.now() > deadline) {
      const minutes = DEMO_TIME_MAX_MS / MINUTE_MS;
      throw new FactoryError(
        "demo/timed-out",
        "retry",
        `not done after ${minutes} minutes; the controller's log is ${scratch.log}`,
      );
    }
    const exitCode = controller.ended();
    if (exitCode === EXIT.fine || (exitCode === EXIT.problems && stage.seenAny())) return;
    if (exitCode !== null) throw diedEarly(scratch, exitCode);
    const fleet = await controller.client.call("fleet").catch(() => null);
    silent = fleet === null ? silent + 1 : 0;
    if (silent > SILENT_LOOKS_MAX)
      throw new FactoryError(
        "demo/silent",
        "retry",
        `the controller lives but does not answer; its log is ${scratch.log}`,
      );
    if (fleet !== null) {
      stage.show(fleet, clock.now());
      if (enough(fleet)) return;
      if (
        !closed &&
        fleet.missions.length > 0 &&
        fleet.missions.every((mission) => mission.closure !== null)
      ) {
        closed = true;
        stage.say("closed; the controller writes the last page of factory/status and ends");
      }
    }
    await pause(clock, LOOK_MS);
  }
}
