/**
 * `npm run chaos [-- --kills 200 --instances 30 --seed 1 --clones 10 --keep --json]`
 *
 * Ends with 0 when every promise held.
 */
import { parseArgs } from "node:util";
import { reportText } from "./report.ts";
import { runChaos } from "./run.ts";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "200" },
    instances: { type: "string" },
    seed: { type: "string", default: "1" },
    clones: { type: "string", default: "10" },
    keep: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

const common = {
  seed: Number(values.seed),
  clones: Number(values.clones),
  steps: [10, 40],
  lifeMs: [50, 3_000],
  calmMs: 180_000,
  awaitPublished: true,
  keep: values.keep,
  log: (line: string) => process.stderr.write(`${line}\n`),
} as const;
const kills = Number(values.kills);
const instanceKills = Number(values.instances ?? Math.ceil(kills / 8));

// Apart from each other: after a kill of a controller alone nothing may have been started anew.
const reports = [];
if (kills > 0) reports.push(await runChaos({ ...common, kills, instanceKills: 0 }));
if (instanceKills > 0)
  reports.push(await runChaos({ ...common, kills: Math.ceil(kills / 20), instanceKills }));

for (const report of reports)
  process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : `${reportText(report)}\n`);
process.exitCode = reports.every(({ ok }) => ok) ? 0 : 1;
