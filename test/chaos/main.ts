/**
 * `npm run chaos`: every scenario, two at a time, then some kills of controllers and instances.
 * `--help` tells the options.
 *
 * Ends with 0 when every promise held, 1 when one was broken, a fault was not detected or something was lost, 2 for
 * wrong usage. What a machine cannot do is said and does not count as passed.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { catalogue, SCENARIOS } from "./catalogue.ts";
import { type ChaosReport, reportText } from "./report.ts";
import { runChaos } from "./run.ts";
import { playSuite } from "./suite.ts";
import { type SuiteReport, suiteText } from "./suite-report.ts";

const HELP = `npm run chaos -- [options]

Without options: every scenario, then KILLS kills.

  --list                 the names of all scenarios, and end
  --only NAME[,NAME …]   these scenarios and no kills
  --kills N              no scenarios, N kills of controllers (and N/8 of instances)
  --instances N          so many kills of instances instead
  --jobs N               so many scenarios at once; default JOBS
  --seed S               of the kills; default 1
  --clones N             under the kills; default 10
  --out FILE             write the report there as well: Markdown, or JSON when it ends in .json
  --json                 print JSON
  --keep                 leave the folders behind, for looking at them

For example:
  npm run chaos -- --only sigstop-agent,disk-full-record
  npm run chaos -- --kills 200 --seed 7
  npm run chaos -- --out chaos.md
`;

/** After the scenarios: enough to hit every phase once, and done within two minutes. */
const KILLS_BESIDES = 12;
/** A scenario waits more than it works, so that two on two cores take half the time and are not in each other's way. */
const JOBS = 2;
const INTERRUPTED = 130;

await main();

async function main(): Promise<void> {
  const log = (line: string): boolean => process.stderr.write(`${line}\n`);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(INTERRUPTED));
  const known = await catalogue();
  const wanted = readOptions(known);
  if (typeof wanted === "string") {
    process.stderr.write(`${wanted}\n`);
    process.exitCode = 2;
    return;
  }
  if (wanted.print !== null) {
    process.stdout.write(wanted.print);
    return;
  }
  const suite =
    wanted.scenarios.length === 0
      ? null
      : await playSuite({
          scenarios: new Map([...known].filter(([name]) => wanted.scenarios.includes(name))),
          folder: SCENARIOS,
          log,
          jobs: wanted.jobs,
          keep: wanted.keep,
        });
  const kills = await playKills(wanted, log);
  const text = wanted.json ? asJson(suite, kills) : asText(suite, kills);
  process.stdout.write(text);
  if (wanted.out !== null)
    writeFileSync(wanted.out, wanted.out.endsWith(".json") ? asJson(suite, kills) : asText(suite, kills));
  process.exitCode = (suite?.ok ?? true) && kills.every(({ ok }) => ok) ? 0 : 1;
}

interface Wanted {
  readonly print: string | null;
  readonly scenarios: readonly string[];
  readonly jobs: number;
  readonly kills: number;
  readonly instances: number;
  readonly seed: number;
  readonly clones: number;
  readonly out: string | null;
  readonly json: boolean;
  readonly keep: boolean;
}

/** A sentence when it cannot be meant. */
function readOptions(known: ReadonlyMap<string, unknown>): Wanted | string {
  let values: ReturnType<typeof parse>;
  try {
    values = parse();
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}\n\n${help()}`;
  }
  const names = [...known.keys()];
  const only = values.only?.flatMap((list) => list.split(",")).filter((name) => name !== "");
  const unknown = only?.find((name) => !known.has(name));
  if (unknown !== undefined) return `there is no scenario "${unknown}"; there are: ${names.join(", ")}`;
  const killsOnly = values.kills !== undefined || values.instances !== undefined;
  const numbers = {
    jobs: values.jobs,
    kills: values.kills,
    instances: values.instances,
    seed: values.seed,
    clones: values.clones,
  };
  for (const [name, text] of Object.entries(numbers))
    if (text !== undefined && !/^\d+$/.test(text)) return `--${name} takes a number, not "${text}"`;
  const kills = Number(values.kills ?? (only === undefined && !killsOnly ? KILLS_BESIDES : 0));
  return {
    print: values.help ? help() : values.list ? `${names.join("\n")}\n` : null,
    scenarios: only ?? (killsOnly ? [] : names),
    jobs: Math.max(1, Number(values.jobs ?? JOBS)),
    kills,
    instances: Number(values.instances ?? Math.ceil(kills / 8)),
    seed: Number(values.seed ?? "1"),
    clones: Number(values.clones ?? "10"),
    out: values.out ?? null,
    json: values.json,
    keep: values.keep,
  };
}

function parse() {
  return parseArgs({
    options: {
      list: { type: "boolean", default: false },
      only: { type: "string", multiple: true },
      jobs: { type: "string" },
      kills: { type: "string" },
      instances: { type: "string" },
      seed: { type: "string" },
      clones: { type: "string" },
      out: { type: "string" },
      json: { type: "boolean", default: false },
      keep: { type: "boolean", default: false },
      help: { type: "boolean", default: false, short: "h" },
    },
  }).values;
}

function help(): string {
  return HELP.replace("KILLS", String(KILLS_BESIDES)).replace("JOBS", String(JOBS));
}

async function playKills(wanted: Wanted, log: (line: string) => void): Promise<readonly ChaosReport[]> {
  const common = {
    seed: wanted.seed,
    clones: wanted.clones,
    steps: [10, 40],
    lifeMs: [50, 3_000],
    calmMs: 180_000,
    awaitPublished: true,
    keep: wanted.keep,
    log,
  } as const;
  const reports: ChaosReport[] = [];
  // Apart from each other: after a kill of a controller alone nothing may have been started anew.
  if (wanted.kills > 0) {
    log(`${wanted.kills} kills of controllers …`);
    reports.push(await runChaos({ ...common, kills: wanted.kills, instanceKills: 0 }));
  }
  if (wanted.instances > 0) {
    log(`${wanted.instances} kills of instances …`);
    reports.push(
      await runChaos({ ...common, kills: Math.ceil(wanted.kills / 20), instanceKills: wanted.instances }),
    );
  }
  return reports;
}

function asText(suite: SuiteReport | null, kills: readonly ChaosReport[]): string {
  return [...(suite === null ? [] : [suiteText(suite)]), ...kills.map(reportText)].join("\n");
}

/** Kills alone as ever, one document a line. */
function asJson(suite: SuiteReport | null, kills: readonly ChaosReport[]): string {
  return [...(suite === null ? [] : [suite]), ...kills]
    .map((report) => `${JSON.stringify(report)}\n`)
    .join("");
}
