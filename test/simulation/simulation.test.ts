import { expect, test } from "vitest";
import { simulate } from "./simulate.ts";
import { CALM } from "./swarm.ts";

/** Few enough for every run of the tests; `npm run sim -- --seeds 1..500` runs more. */
const SEEDS = Array.from({ length: 14 }, (_, index) => String(index + 1));

test.each(SEEDS)(
  "seed %s: nothing bad happens, and in calm everything ends or says why not",
  async (seed) => {
    const { violations, story, events } = await simulate({ seed, hours: 0.6 });
    expect(
      violations,
      `replay: npm run sim -- --seed ${seed} --storm-hours 0.6 --story\n${story.slice(-40).join("\n")}`,
    ).toEqual([]);
    expect(events).toBeGreaterThan(0);
  },
);

test("the same seed goes the same way, another one another", async () => {
  const first = await simulate({ seed: "same", hours: 0.4 });
  const second = await simulate({ seed: "same", hours: 0.4 });
  const other = await simulate({ seed: "other", hours: 0.4 });
  expect(second.hash).toBe(first.hash);
  expect(second.events).toBe(first.events);
  expect(other.hash).not.toBe(first.hash);
});

test("without faults every mission is closed", async () => {
  const { violations, closed, troubles } = await simulate({
    seed: "quiet",
    hours: 1,
    clones: 3,
    troubles: CALM,
  });
  expect({ violations, troubles }).toEqual({ violations: [], troubles: [] });
  expect(closed).toBeGreaterThan(0);
});
