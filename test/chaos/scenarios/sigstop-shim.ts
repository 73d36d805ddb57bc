/** SIGSTOP of a working clone's shim: noticed, and led back in the same epoch. */

import { eventOf, pidsOf } from "../../e2e/living.ts";
import type { About } from "../scenario.ts";
import { lostOf, MISSION, type ScenarioOptions, type ScenarioResult, withLiving } from "./sigstop.ts";

export const about: About = { where: "shim" };

export function run({ log }: ScenarioOptions): Promise<ScenarioResult> {
  return withLiving("sigstop-shim", async (living) => {
    const before = pidsOf(living, MISSION, 1);
    const since = Date.now();
    process.kill(before.shim, "SIGSTOP");
    log(`the shim (pid ${before.shim}) is stopped`);
    const seen = await eventOf(living, MISSION, { type: "health.changed", health: "degraded", since });
    log(`degraded: ${String(seen.event["evidence"])}`);
    const tried = await eventOf(living, MISSION, {
      type: "recovery.tried",
      rung: "reconnect",
      ok: true,
      since,
    });
    const well = await eventOf(living, MISSION, {
      type: "health.changed",
      health: "healthy",
      since: seen.at,
    });
    return {
      injected: "SIGSTOP of the shim",
      detected: `health.changed: degraded (${String(seen.event["cause"])})`,
      detectedAfterMs: seen.at - since,
      recovered: `reconnect: ${String(tried.event["evidence"])}; the same epoch goes on`,
      recoveredAfterMs: well.at - since,
      lost: await lostOf(living, before),
    };
  });
}
