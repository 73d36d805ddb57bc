/** Drills of the kill, as the machine makes them: the results lie on its disk and outlive whoever asked. */
import { DRILLS_KEPT_MAX, type DrillResult } from "../../src/core/model/drill.ts";
import { FactoryError } from "../../src/core/model/error.ts";
import { iso, MINUTE_MS } from "../../src/core/model/time.ts";
import type { Drills } from "../../src/ports/drills.ts";
import type { Life } from "./life.ts";
import type { World } from "./world.ts";

/** One that hangs takes this long before it is given up. */
const HANG_MS_MAX = 90 * MINUTE_MS;

/** Mostly proven within seconds. It may fail, hang, or not be made at all; what a dead controller began leaves no result. */
export function simulatedDrills(world: World, life: Life): Drills {
  const dice = world.dice.fork("drills");
  return {
    results: () => world.drills,
    async run({ target, enter, isolation }, signal) {
      const beganAt = world.now();
      const beganMs = world.timeline.elapsedMs;
      world.tell({ type: "drilling", target });
      const trouble = world.strikes(dice, "drillTrouble")
        ? dice.pick(["fails", "hangs", "hangs and fails", "cannot be made"] as const)
        : "none";
      if (trouble !== "none") world.story.tell(`drill: on ${target} ${trouble}`);
      const hangs = trouble === "hangs" || trouble === "hangs and fails";
      await world.delay(hangs ? dice.between(MINUTE_MS, HANG_MS_MAX) : dice.between(200, 15_000), signal);
      if (!life.alive) return new Promise(() => {});
      await life.thawed();
      if (trouble === "cannot be made")
        throw new FactoryError("drill/launch", "retry", "nothing could be launched");
      const passed = trouble === "none" || trouble === "hangs";
      const result: DrillResult = {
        at: iso(beganAt),
        target,
        enter,
        passed,
        deathMs: passed ? 100 : null,
        containment: passed ? isolation : null,
        rung: passed ? "sigkill" : null,
        evidence: passed ? "nothing of it lives" : "2 processes still live",
      };
      world.drills = [...world.drills, result].slice(-DRILLS_KEPT_MAX);
      world.story.tell(`drill: on ${target} ${passed ? "proves the kill" : "fails"}`);
      world.tell({ type: "drilled", target, at: Date.parse(result.at), beganMs, passed });
      return result;
    },
  };
}
