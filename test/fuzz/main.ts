/**
 * `npm run fuzz [-- --minutes N --only TARGET --seed S]`: feeds what reads strangers' bytes with almost valid inputs and noise.
 *
 * Ends with 0 when nothing crashed, hung, grew without bound or was left in a state that it should not be in; 1 when
 * something did. An input that failed is kept below `.factory/fuzz`, and its seed shows it again.
 */
import { parseArgs } from "node:util";
import { TARGETS } from "./catalogue.ts";
import type { FuzzReport } from "./run.ts";

const MINUTES = 4;
const FOLDER = ".factory/fuzz";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: String(MINUTES) },
    only: { type: "string" },
    seed: { type: "string", default: String(Date.now() % 1_000_000_000) },
  },
});
const names = values.only?.split(",") ?? Object.keys(TARGETS);
const unknown = names.find((name) => !(name in TARGETS));
if (unknown !== undefined || !(Number(values.minutes) > 0)) {
  const what = unknown === undefined ? "--minutes takes a number" : `there is no target "${unknown}"`;
  process.stderr.write(`${what}; targets: ${Object.keys(TARGETS).join(", ")}\n`);
  process.exit(2);
}

const log = (line: string): boolean => process.stderr.write(`${line}\n`);
const seconds = (Number(values.minutes) * 60) / names.length;
const reports: FuzzReport[] = [];
for (const name of names) {
  log(`${name}: ${Math.round(seconds)} s from seed ${values.seed} …`);
  const report = await TARGETS[name]?.({ seconds, seed: Number(values.seed), folder: FOLDER, log });
  if (report === undefined) continue;
  reports.push(report);
  log(`${name}: ${report.inputs} inputs, ${report.failures.length} failures`);
}

const rows = reports.map(({ target, inputs, seconds: took, grownBytes, failures }) =>
  [
    target,
    inputs,
    took,
    grownBytes === null ? "–" : `${(grownBytes / 2 ** 20).toFixed(1)} MiB`,
    failures.length,
  ].join(" | "),
);
process.stdout.write(
  `${["| Target | Inputs | Seconds | Grown, after collection | Failures |", "|---|---:|---:|---:|---:|", ...rows.map((row) => `| ${row} |`)].join("\n")}\n`,
);
for (const { target, failures } of reports)
  for (const { seed, file, message } of failures)
    process.stdout.write(`${target} seed ${seed} ${file}\n${message}\n`);
process.exit(reports.some(({ failures }) => failures.length > 0) ? 1 : 0);
