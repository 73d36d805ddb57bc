/** `npm run sim -- --seed 42`, `--seeds 1..500 --jobs 2`, `--hours 100000`. */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { playSeeds } from "./pool.ts";
import { type SimulationResult, simulate } from "./simulate.ts";
import { createSummary, lineOf } from "./summary.ts";

const USAGE = `Plays whole fleets under faults, each from one seed, and asks whether anything that was promised broke.

  npm run sim -- --seed 42                    one run
  npm run sim -- --seed 42 --story            with what happened, newest last
  npm run sim -- --seeds 1..500 --jobs 2      many, in as many processes
  npm run sim -- --hours 100000 --jobs 2      from seed 1 on, or from the first of --seeds, and at least all of
                                              those, until so many clone-hours were simulated

  --storm-hours N    one storm of N hours for every seed, then calm, instead of what the seed says
  --short            one storm of half an hour to two for every seed
  --lines N          lines of a story that are shown, 80 by default
`;

/** Stories that are shown; of more failures than these what broke is. */
const STORIES_SHOWN_MAX = 5;
/** More processes than this do not fit any machine we know. */
const JOBS_MAX = Math.max(2, availableParallelism());
const PROGRESS_TERMINAL_MS = 2_000;
const PROGRESS_MS = 60_000;

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string" },
    jobs: { type: "string", default: "1" },
    hours: { type: "string" },
    "storm-hours": { type: "string" },
    short: { type: "boolean", default: false },
    story: { type: "boolean", default: false },
    lines: { type: "string", default: "80" },
    help: { type: "boolean", short: "h", default: false },
  },
});

if (values.help) process.stdout.write(USAGE);
else process.exitCode = await main();

async function main(): Promise<number> {
  const stormHours = values["storm-hours"] === undefined ? undefined : numberOf("storm-hours", 0);
  const options = {
    ...(stormHours === undefined ? {} : { hours: stormHours }),
    ...(values.short ? { short: true } : {}),
  };
  if (values.seed !== undefined) {
    const result = await simulate({ seed: values.seed, ...options });
    tell(result);
    return result.violations.length === 0 ? 0 : 1;
  }
  const cloneHoursMin = values.hours === undefined ? 0 : numberOf("hours", 0);
  const { from, to } = rangeOf(values.seeds ?? (cloneHoursMin > 0 ? "1..1" : "1..20"));
  const jobs = Math.min(Math.max(1, Math.floor(numberOf("jobs", 1))), JOBS_MAX);
  const summary = createSummary();
  const everyMs = process.stdout.isTTY ? PROGRESS_TERMINAL_MS : PROGRESS_MS;
  const progress = setInterval(() => process.stdout.write(`… ${summary.line()}\n`), everyMs);
  progress.unref();
  let shown = 0;
  await playSeeds(
    {
      jobs,
      options,
      next: (index) =>
        from + index <= to || summary.cloneHours < cloneHoursMin ? String(from + index) : null,
    },
    (result) => {
      summary.add(result);
      if (result.violations.length > 0) {
        shown += 1;
        tell(shown > STORIES_SHOWN_MAX ? { ...result, story: [] } : result);
      } else if (to - from < 20 && cloneHoursMin === 0) process.stdout.write(`${lineOf(result)}\n`);
    },
  );
  clearInterval(progress);
  process.stdout.write(summary.text());
  return summary.failed.length === 0 ? 0 : 1;
}

function numberOf(name: keyof typeof values, min: number): number {
  const number = Number(values[name]);
  if (!Number.isFinite(number) || number < min)
    throw new RangeError(`--${name} wants a number from ${min} on, not ${String(values[name])}`);
  return number;
}

function rangeOf(text: string): { readonly from: number; readonly to: number } {
  const [from, to] = text.split("..").map(Number);
  if (from === undefined || to === undefined || !(to >= from))
    throw new RangeError(`--seeds wants a range such as 1..500, not ${text}`);
  return { from, to };
}

/** The story, if something broke or somebody asked for it, and how to have it again. */
function tell(result: SimulationResult): void {
  const { seed, violations, troubles, story } = result;
  const linesMax = Math.floor(numberOf("lines", 0));
  const failed = violations.length > 0;
  const again = `${values.short ? " --short" : ""}${values["storm-hours"] === undefined ? "" : ` --storm-hours ${values["storm-hours"]}`}`;
  const lines = [
    ...((failed || values.story) && linesMax > 0 ? story.slice(-linesMax) : []),
    ...violations.map(({ invariant, clone, seq, message }) => {
      const where = clone === null ? "" : ` (${clone}${seq === null ? "" : `, event ${seq}`})`;
      return `broken: ${invariant}${where}: ${message}`;
    }),
    lineOf(result),
    ...(troubles.length === 0 ? [] : [`troubles: ${troubles.join(", ")}`]),
    ...(failed ? [`replay: npm run sim -- --seed ${seed}${again} --story --lines 400`] : []),
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}
