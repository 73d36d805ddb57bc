/** `npm run sim -- --seed 42`, `--seeds 1..500`, `--hours 3`, `--story`. */
import { parseArgs } from "node:util";
import { type SimulationResult, simulate } from "./simulate.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string" },
    hours: { type: "string" },
    story: { type: "boolean", default: false },
    lines: { type: "string", default: "80" },
  },
});

const seeds = values.seed !== undefined ? [values.seed] : rangeOf(values.seeds ?? "1..20");
const hours = values.hours === undefined ? {} : { hours: Number(values.hours) };
const begunAt = performance.now();
const results: SimulationResult[] = [];
for (const seed of seeds) {
  const result = await simulate({ seed, ...hours });
  results.push(result);
  if (result.violations.length > 0 || values.story) tell(result);
  else if (seeds.length <= 20) process.stdout.write(`seed ${seed}: ${line(result)}\n`);
}
const seconds = (performance.now() - begunAt) / 1_000;
const sum = (pick: (result: SimulationResult) => number): number =>
  results.reduce((total, result) => total + pick(result), 0);
const failed = results.filter((result) => result.violations.length > 0);
process.stdout.write(
  [
    `${results.length} seeds, ${failed.length} failed${failed.length === 0 ? "" : `: ${failed.map(({ seed, violations }) => `${seed} (${violations[0]?.invariant})`).join(", ")}`}`,
    `${sum((result) => result.cloneHours).toFixed(1)} clone-hours, ${sum((result) => result.virtualMs / 3_600_000).toFixed(1)} fleet-hours, ${sum(({ steps }) => steps)} steps, ${sum(({ events }) => events)} events, ${sum(({ closed }) => closed)} missions closed`,
    `${seconds.toFixed(1)} s: ${(sum((result) => result.cloneHours) / seconds).toFixed(1)} simulated clone-hours per second`,
    "",
  ].join("\n"),
);
process.exitCode = failed.length === 0 ? 0 : 1;

function rangeOf(text: string): string[] {
  const [from, to] = text.split("..").map(Number);
  if (from === undefined || to === undefined || !(to >= from))
    throw new RangeError(`--seeds wants a range such as 1..500, not ${text}`);
  return Array.from({ length: to - from + 1 }, (_, index) => String(from + index));
}

function line({ virtualMs, events, steps, closed, hash }: SimulationResult): string {
  return `${(virtualMs / 3_600_000).toFixed(1)} h, ${events} events, ${steps} steps, ${closed} closed, ${hash.slice(0, 12)}`;
}

function tell(result: SimulationResult): void {
  process.stdout.write(
    `${(Number(values.lines) === 0 ? [] : result.story.slice(-Number(values.lines))).join("\n")}\n`,
  );
  for (const { invariant, clone, seq, message } of result.violations) {
    process.stdout.write(
      `broken: ${invariant}${clone === null ? "" : ` (${clone}${seq === null ? "" : `, event ${seq}`})`}: ${message}\n`,
    );
  }
  process.stdout.write(
    `seed ${result.seed}: ${line(result)}\ntroubles: ${result.troubles.join(", ")}\nreplay: npm run sim -- --seed ${result.seed} --story --lines 400\n`,
  );
}
