/** Runs seeds until one invariant trips, and says so in one line of JSON. Started by `mutants.ts` in a scratch copy. */
import { parseArgs } from "node:util";
import { simulate } from "../simulate.ts";
import { onlyTroubles, type TroubleName } from "../swarm.ts";

const { values } = parseArgs({
  options: {
    invariant: { type: "string", default: "" },
    troubles: { type: "string", default: "" },
    seeds: { type: "string", default: "30" },
    hours: { type: "string", default: "0.7" },
  },
});

const troubles = onlyTroubles(values.troubles.split(",").filter((name) => name !== "") as TroubleName[]);
let answer: object = { caught: false, seed: Number(values.seeds), message: "" };
for (let seed = 1; seed <= Number(values.seeds); seed++) {
  const result = await simulate({
    seed: String(seed),
    hours: Number(values.hours),
    clones: 5,
    troubles,
    invariant: values.invariant,
  });
  const violation = result.violations[0];
  if (violation === undefined) continue;
  answer = { caught: violation.invariant === values.invariant, seed, message: violation.message };
  break;
}
process.stdout.write(`${JSON.stringify(answer)}\n`);
