/** Bugs that the simulation found once, with the faults that brought them out. */
import { expect, test } from "vitest";
import { PLAIN } from "./shape.ts";
import { simulate } from "./simulate.ts";
import { onlyTroubles, type TroubleName } from "./swarm.ts";

interface Regression {
  readonly bug: string;
  readonly troubles: readonly TroubleName[];
  readonly seeds: readonly string[];
  readonly hours: number;
}

const REGRESSIONS: readonly Regression[] = [
  {
    bug: "a slow listing buries what came up since, and takes what was just stopped for a stray",
    troubles: ["slowList", "judgeFails"],
    seeds: ["1", "2"],
    hours: 0.5,
  },
  {
    bug: "the stop of a stray aborts and settles what goes on for the instance of record",
    troubles: ["slowList", "lostAnswer", "operatorsPerHour"],
    seeds: ["3", "4"],
    hours: 0.5,
  },
  {
    bug: "the outcome of an effect is recorded a second time when the answer to its commit is lost",
    troubles: ["commitFails", "commitsPerHour", "operatorsPerHour"],
    seeds: ["59", "60"],
    hours: 0.6,
  },
  {
    bug: "a fifth push within a minute, by a slow push, a failing record or a crash",
    troubles: ["crashesPerHour", "commitFails", "pushTrouble", "operatorsPerHour"],
    seeds: ["61", "8"],
    hours: 0.5,
  },
  {
    bug: "a clock that is set while we work makes everybody silent",
    troubles: ["jumpsPerHour", "slowList", "crashesPerHour"],
    seeds: ["21", "34"],
    hours: 0.7,
  },
  {
    bug: "what others wrote over our files stays there",
    troubles: ["otherPushersPerHour"],
    seeds: ["36"],
    hours: 0.4,
  },
  {
    bug: "an older, closed run that is declared again waits for ever",
    troubles: ["commitsPerHour", "misbehaviour"],
    seeds: ["48", "49"],
    hours: 1.2,
  },
  {
    bug: "a tighter cadence kills whoever was not told of it yet",
    troubles: ["commitsPerHour", "driverError"],
    seeds: ["107", "108"],
    hours: 0.7,
  },
];

for (const { bug, troubles, seeds, hours } of REGRESSIONS) {
  test.each(seeds)(`${bug} (seed %s)`, async (seed) => {
    const { violations, story } = await simulate({
      seed,
      hours,
      troubles: onlyTroubles(troubles),
      clones: 4,
      shape: PLAIN,
    });
    expect(violations, story.slice(-40).join("\n")).toEqual([]);
  });
}

test("a removal that was part of the fleet when it was planned takes all that is left of it (seed 2011)", async () => {
  const { violations, story } = await simulate({ seed: "2011", short: true, shape: PLAIN });
  expect(violations, story.slice(-40).join("\n")).toEqual([]);
});
