import { expect, test } from "vitest";
import { reportText } from "../chaos/report.ts";
import { runChaos } from "../chaos/run.ts";

/** A short run of `npm run chaos`, which kills 200 times. */
test("a controller that is killed at random moments adopts what lives and loses nothing", async () => {
  const report = await runChaos({
    kills: 12,
    instanceKills: 0,
    seed: 7,
    clones: 4,
    steps: [5, 15],
    lifeMs: [50, 900],
    calmMs: 90_000,
    awaitPublished: false,
  });
  expect(report.ok, reportText(report)).toBe(true);
  expect(report.injected[0]?.times).toBe(12);
  // Whether anybody paused anything in that time is up to the dice; everything else was there to be looked at.
  for (const { promise, looked } of report.verdicts)
    if (!promise.includes("acknowledged")) expect(looked, promise).toBeGreaterThan(0);
}, 180_000);
