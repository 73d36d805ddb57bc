import { expect, test } from "vitest";
import { playWalk } from "./play.ts";
import { reportText } from "./report.ts";

/** A short run of `npm run deaths`, which kills 200 times. */
test("a walk-through whose controller dies on the way loses nothing, doubles nothing and holds every limit", async () => {
  const played = await playWalk({ seed: 7, kills: 3 });
  expect(played.problems, reportText([played])).toEqual([]);
  expect(played.deaths.length).toBeGreaterThan(0);
}, 300_000);
