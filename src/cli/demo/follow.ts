import { FactoryError } from "../../core/model/error.ts";
import { MINUTE_MS } from "../../core/model/time.ts";
import type { FleetView } from "../../core/status/view.ts";
import type { Clock } from "../../ports/clock.ts";
import { EXIT } from "../exit.ts";
import { type DemoController, diedEarly, pause } from "./controller.ts";
import type { Scratch } from "./scratch.ts";
import type { Stage } from "./stage.ts";

/** The whole demo. The sample missions take seconds; a machine that needs longer than this is stuck. */
export const DEMO_TIME_MAX_MS = 5 * MINUTE_MS;
const LOOK_MS = 150;
/** Looks at a controller that does not answer, while its process lives. */
const SILENT_LOOKS_MAX = 100;

export interface Watch {
  readonly controller: DemoController;
  readonly scratch: Scratch;
  readonly clock: Clock;
  readonly stage: Stage;
  readonly deadline: number;
  readonly signal: AbortSignal;
  /** Whether the controller ends by itself once every mission is closed. */
  readonly ends: boolean;
}

/** Shows the fleet until `enough`, or until the controller ended by itself because every mission is closed. */
export async function follow(
  watch: Watch,
  enough: (fleet: FleetView) => boolean | Promise<boolean>,
): Promise<void> {
  const { controller, scratch, clock, stage, deadline, signal, ends } = watch;
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
      if (await enough(fleet)) return;
      if (
        ends &&
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
