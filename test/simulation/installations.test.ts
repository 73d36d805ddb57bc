import { expect, test } from "vitest";
import { ACTED_MS_MIN, type Bug, raceForRight } from "./installations.ts";

/** In race 27 a machine slept while its renewal was on its way, and took the moment in which it woke for the one in which it had pushed. */
const SEEDS = Array.from({ length: 16 }, (_, index) => `race ${index + 14}`);

test("of several installations on one repository at most one acts at any moment, and mostly one does", async () => {
  let terms = 0;
  let actedMs = 0;
  for (const seed of SEEDS) {
    const result = await raceForRight(seed);
    expect([seed, result.violations]).toEqual([seed, []]);
    terms += result.terms;
    actedMs += result.actedMs;
  }
  expect(terms).toBeGreaterThan(2 * SEEDS.length);
  expect(actedMs / SEEDS.length).toBeGreaterThan(ACTED_MS_MIN);
});

test.each<Bug>(["takes over before its time", "does not stand down", "does not compare and swap"])(
  "one that %s is caught",
  async (bug) => {
    const caught: string[] = [];
    for (const seed of SEEDS) {
      caught.push(...(await raceForRight(seed, bug)).violations);
      if (caught.length > 0) break;
    }
    expect(caught).toHaveLength(1);
  },
);
