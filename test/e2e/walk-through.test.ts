import { expect, test } from "vitest";
import { BOT } from "../support/forge/stand-in.ts";
import { STEPS } from "../support/walk/steps.ts";
import { openWalk } from "../support/walk/walk.ts";

/** The story of `docs/pull-requests.md`, as people and a controller play it. */
test("from a pull request to a closed mission: each step is seen on the forge", async () => {
  const walk = await openWalk("walk-through");
  try {
    for (const step of STEPS) {
      await step.act(walk);
      const shown = await step.seen(walk);
      expect(shown.map(({ title }) => title)).toEqual(step.shows);
    }
    const number = walk.numbers.get("proposal") ?? 0;
    const ours = (await walk.standIn.comments(number)).filter(({ user }) => user.login === BOT);
    expect(ours).toHaveLength(1);
    expect(walk.lines("world.txt")).toHaveLength(1);
  } finally {
    await walk.close();
  }
}, 240_000);
