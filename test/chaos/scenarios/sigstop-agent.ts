/** SIGSTOP of a working clone's agent: noticed, and led back in the same epoch. */

import { eventOf, pidsOf } from "../../e2e/living.ts";
import type { About } from "../scenario.ts";
import { lostOf, MISSION, type ScenarioOptions, type ScenarioResult, withLiving } from "./sigstop.ts";

export const about: About = { where: "agent" };

export function run({ log }: ScenarioOptions): Promise<ScenarioResult> {
  return withLiving("sigstop-agent", async (living) => {
    const before = pidsOf(living, MISSION, 1);
    const since = Date.now();
    process.kill(before.agent, "SIGSTOP");
    log(`the agent (pid ${before.agent}) is stopped`);
    const seen = await eventOf(living, MISSION, { type: "health.changed", health: "degraded", since });
    log(`degraded: ${String(seen.event["evidence"])}`);
    const tried = await eventOf(living, MISSION, { type: "recovery.tried", rung: "resume", ok: true, since });
    const well = await eventOf(living, MISSION, {
      type: "health.changed",
      health: "healthy",
      since: seen.at,
    });
    return {
      injected: "SIGSTOP of the agent",
      detected: `health.changed: degraded (${String(seen.event["cause"])})`,
      detectedAfterMs: seen.at - since,
      recovered: `resume: ${String(tried.event["evidence"])}; the same epoch goes on`,
      recoveredAfterMs: well.at - since,
      lost: await lostOf(living, before),
    };
  });
}
