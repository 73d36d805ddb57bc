/** `npm run docs:walk`: plays the walk-through and writes what was seen into `docs/pull-requests.md`. */
import { readFileSync, writeFileSync } from "node:fs";
import { pageWith, type Walked } from "./page.ts";
import { placesOf } from "./places.ts";
import { STEPS } from "./steps.ts";
import { openWalk } from "./walk.ts";

const PAGE = new URL("../../../docs/pull-requests.md", import.meta.url);

const walk = await openWalk("docs-walk");
try {
  const walked: Walked[] = [];
  for (const step of STEPS) {
    process.stderr.write(`${step.heading} …\n`);
    await step.act(walk);
    walked.push({ step, shown: await step.seen(walk) });
  }
  writeFileSync(PAGE, pageWith(readFileSync(PAGE, "utf8"), walked, placesOf(walk)));
  process.stderr.write("docs/pull-requests.md is written; read its difference\n");
} finally {
  await walk.close();
}
