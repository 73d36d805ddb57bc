/**
 * `npm run deaths`: the walk-through of `docs/pull-requests.md`, again and again, while the controller is killed at random
 * moments and the forge does what forges do. `--help` tells the options.
 *
 * Ends with 0 when every promise held, 1 when one was broken, 2 for wrong usage.
 */
import { parseArgs } from "node:util";
import { playWalk } from "./play.ts";
import { reportText } from "./report.ts";

const HELP = `npm run deaths -- [options]

  --count N      kills in all; default COUNT
  --seed S       of the first walk, the next has the next hundred; default 1
  --walk N       kills in one walk, at most; default PER_WALK
  --json         print JSON

For example:
  npm run deaths -- --count 200 --seed 7
  npm run deaths -- --count 12 --seed 301     one walk that failed, once more
`;

const COUNT = 200;
const PER_WALK = 18;
const SEEDS_APART = 100;
const INTERRUPTED = 130;

await main();

async function main(): Promise<void> {
  let close = async (): Promise<void> => {};
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => void close().finally(() => process.exit(INTERRUPTED)));
  const wanted = readOptions();
  if (typeof wanted === "string") {
    process.stderr.write(`${wanted}\n`);
    process.exitCode = 2;
    return;
  }
  if (wanted.help) {
    process.stdout.write(help());
    return;
  }
  const log = (line: string): boolean => process.stderr.write(`${line}\n`);
  const walks = [];
  let seed = wanted.seed;
  for (let left = wanted.count; left > 0; ) {
    log(`walk with seed ${seed}, ${left} kills to go …`);
    const played = await playWalk({
      seed,
      kills: Math.min(left, wanted.perWalk),
      log,
      onOpen(how) {
        close = how;
      },
    });
    for (const problem of played.problems) log(`  ✗ ${problem}`);
    walks.push(played);
    // One that spares every controller would go on for ever.
    left -= Math.max(1, played.deaths.length);
    seed += SEEDS_APART;
  }
  process.stdout.write(wanted.json ? `${JSON.stringify(walks)}\n` : reportText(walks));
  process.exitCode = walks.every(({ problems }) => problems.length === 0) ? 0 : 1;
}

interface Wanted {
  readonly help: boolean;
  readonly json: boolean;
  readonly count: number;
  readonly seed: number;
  readonly perWalk: number;
}

/** A sentence when it cannot be meant. */
function readOptions(): Wanted | string {
  let values: ReturnType<typeof parse>;
  try {
    values = parse();
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}\n\n${help()}`;
  }
  const { help: isHelp, json, ...numbers } = values;
  for (const [name, text] of Object.entries(numbers))
    if (text !== undefined && !/^[1-9]\d*$/.test(text))
      return `--${name} takes a number from 1, not "${text}"`;
  return {
    help: isHelp,
    json,
    count: Number(values.count ?? COUNT),
    seed: Number(values.seed ?? "1"),
    perWalk: Number(values.walk ?? PER_WALK),
  };
}

function parse() {
  return parseArgs({
    options: {
      count: { type: "string" },
      seed: { type: "string" },
      walk: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false, short: "h" },
    },
  }).values;
}

function help(): string {
  return HELP.replace("PER_WALK", String(PER_WALK)).replace("COUNT", String(COUNT));
}
