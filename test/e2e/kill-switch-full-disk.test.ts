import { expect, test } from "vitest";
import { catalogue, SCENARIOS } from "../chaos/catalogue.ts";
import { playSuite } from "../chaos/suite.ts";
import { excused } from "../support/no-excuse.ts";

const NAME = "kill-switch-full-disk";

/** Behind walls of its own, since a disk has to be mounted. */
test("what the kill switch covers dies although its record cannot be written, which is made up for", async (context) => {
  const scenario = (await catalogue()).get(NAME);
  if (scenario === undefined) throw new Error(`there is no scenario ${NAME}`);
  const lines: string[] = [];
  const { rows } = await playSuite({
    scenarios: new Map([[NAME, scenario]]),
    folder: SCENARIOS,
    log: (line) => lines.push(line),
  });
  const outcome = rows[0]?.outcome;
  if (outcome?.type === "not_possible") excused((why) => context.skip(why), "unshare", outcome.message);
  expect(outcome, lines.join("\n")).toMatchObject({ type: "played", result: { lost: null } });
  expect(rows[0]?.leftBehind).toEqual([]);
}, 180_000);
