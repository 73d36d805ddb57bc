/** SIGSTOP of the controller for longer than its clones' leases: on waking nobody is blamed for what it could not hear. */

import { pidsOf, works } from "../../e2e/living.ts";
import { cloneName } from "../../support/fleet-files.ts";
import type { About } from "../scenario.ts";
import { lostOf, MISSION, type ScenarioOptions, type ScenarioResult, withLiving } from "./sigstop.ts";

/** With an interval of a second an instance is lost after five: this is twice that. */
const STOPPED_STEPS = 200;

export const about: About = { where: "controller" };

export function run({ log }: ScenarioOptions): Promise<ScenarioResult> {
  return withLiving("sigstop-controller", async (living) => {
    const { controller, world } = living;
    const before = pidsOf(living, MISSION, 1);
    const since = Date.now();
    process.kill(controller.pid, "SIGSTOP");
    log(`the controller (pid ${controller.pid}) is stopped`);
    const steps = (): number => world.ledger().length;
    const first = steps();
    // The agent's own steps are the clock: it works on, and nobody listens.
    while (steps() < first + STOPPED_STEPS) await works(living, MISSION, 1);
    const awayMs = Date.now() - since;
    process.kill(controller.pid, "SIGCONT");
    log(`it goes on after ${awayMs} ms`);
    const lost = await lostOf(living, before);
    const events = (
      await controller.client.call("events", { clone: cloneName(MISSION), last: 200, limit: 200 })
    ).events;
    const blamed = events.filter(({ at, event }) => at >= since && BLAME.has(event.type));
    return {
      injected: `SIGSTOP of the controller for ${(awayMs / 1_000).toFixed(1)} s, SIGCONT`,
      detected: "it noticed its own absence and held it against nobody",
      detectedAfterMs: null,
      recovered: "the same instances in the same epochs",
      lost:
        lost ?? (blamed.length === 0 ? null : `blamed for our absence: ${JSON.stringify(blamed[0]?.event)}`),
    };
  });
}

const BLAME: ReadonlySet<string> = new Set(["instance.gone", "stop.finished", "recovery.tried"]);
