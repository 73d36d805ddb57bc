/** What many runs came to, as text. */
import { HOUR_MS } from "../../src/core/model/time.ts";
import type { SimulationResult } from "./simulate.ts";

export interface Summary {
  add(result: SimulationResult): void;
  readonly cloneHours: number;
  /** Seeds that broke something, with what, smallest first. */
  readonly failed: readonly string[];
  /** How far it is, in one line. */
  line(): string;
  /** All of it. */
  text(): string;
}

/** Failing seeds that are named; the rest is a number. */
const FAILED_NAMED_MAX = 40;

export function createSummary(): Summary {
  const begunAt = performance.now();
  const failed: { readonly seed: string; readonly invariant: string }[] = [];
  const injected = new Map<string, number>();
  const sums = {
    seeds: 0,
    cloneHours: 0,
    busyHours: 0,
    virtualMs: 0,
    cpuMs: 0,
    steps: 0,
    events: 0,
    closed: 0,
  };

  const secondsGone = (): number => (performance.now() - begunAt) / 1_000;
  const named = (): string[] =>
    failed
      .toSorted((a, b) => Number(a.seed) - Number(b.seed))
      .map(({ seed, invariant }) => `${seed} (${invariant})`);

  return {
    add(result) {
      sums.seeds += 1;
      for (const key of [
        "cloneHours",
        "busyHours",
        "virtualMs",
        "cpuMs",
        "steps",
        "events",
        "closed",
      ] as const)
        sums[key] += result[key];
      for (const [name, times] of Object.entries(result.injected))
        injected.set(name, (injected.get(name) ?? 0) + times);
      const [first] = result.violations;
      if (first !== undefined) failed.push({ seed: result.seed, invariant: first.invariant });
    },
    get cloneHours() {
      return sums.cloneHours;
    },
    get failed() {
      return named();
    },
    line: () =>
      `${sums.seeds} seeds, ${Math.round(sums.cloneHours)} clone-hours, ${failed.length} failed, ${(sums.cloneHours / secondsGone()).toFixed(0)} clone-hours/s`,
    text() {
      const seconds = secondsGone();
      const names = named();
      const more = names.length > FAILED_NAMED_MAX ? `, and ${names.length - FAILED_NAMED_MAX} more` : "";
      const faults = [...injected].sort(([, a], [, b]) => b - a);
      return [
        `${sums.seeds} seeds, ${failed.length} failed${names.length === 0 ? "" : `: ${names.slice(0, FAILED_NAMED_MAX).join(", ")}${more}`}`,
        `${sums.cloneHours.toFixed(1)} clone-hours, ${sums.busyHours.toFixed(1)} of them with a mission, in ${(sums.virtualMs / HOUR_MS).toFixed(1)} fleet-hours`,
        `${sums.steps} steps, ${sums.events} events, ${sums.closed} missions closed`,
        `faults: ${faults.map(([name, times]) => `${name} ${times}`).join(", ") || "none"}`,
        `${seconds.toFixed(1)} s: ${(sums.cloneHours / seconds).toFixed(1)} simulated clone-hours per second, ${(sums.cloneHours / Math.max(1, sums.cpuMs / 1_000)).toFixed(1)} per second of one processor`,
        "",
      ].join("\n");
    },
  };
}

export function lineOf({
  seed,
  virtualMs,
  cloneHours,
  events,
  steps,
  closed,
  hash,
}: SimulationResult): string {
  return `seed ${seed}: ${(virtualMs / HOUR_MS).toFixed(1)} h, ${cloneHours.toFixed(1)} clone-hours, ${events} events, ${steps} steps, ${closed} closed, ${hash.slice(0, 12)}`;
}
