/** What was injected, what it hit, how long it took, and what was found. */
import type { Glimpse } from "./record.ts";
import type { ChaosOptions } from "./run.ts";
import type { Verdict } from "./verify.ts";

export interface ChaosReport {
  readonly seed: number;
  readonly ok: boolean;
  readonly injected: readonly Injection[];
  readonly verdicts: readonly Verdict[];
  readonly problems: readonly string[];
  readonly events: number;
  /** Lines of the controllers' logs that are errors. */
  readonly errors: readonly string[];
  readonly minutes: number;
}

export interface Injection {
  readonly what: string;
  readonly times: number;
  /** What was under way, by how often. */
  readonly hit: Readonly<Record<string, number>>;
  /** From the fault to what shows that it was noticed and dealt with. */
  readonly recovery: string;
  readonly msP50: number | null;
  readonly msMax: number | null;
}

export interface ReportBuilder {
  killedController(seen: Glimpse | null, living: number): void;
  /** Null: it did not come back. */
  killedInstance(victims: string, recoveredMs: number | null): void;
  up(ms: number): void;
  looked(ms: number): void;
  calm(ms: number): void;
  problem(text: string): void;
  finish(verdicts: readonly Verdict[], facts: { readonly events: number; readonly log: string }): ChaosReport;
}

const ERRORS_MAX = 20;

export function createReport(options: Pick<ChaosOptions, "seed">): ReportBuilder {
  const begun = performance.now();
  const problems: string[] = [];
  const hit: Record<string, number> = {};
  const ups: number[] = [];
  const looks: number[] = [];
  const calms: number[] = [];
  const instances = new Map<string, number[]>();
  let kills = 0;

  function count(what: string): void {
    hit[what] = (hit[what] ?? 0) + 1;
  }

  function injections(): Injection[] {
    const recovered = [...instances].map(([victims, ms]) => ({
      what: `kill -9 of ${victims}`,
      times: ms.length,
      hit: {},
      recovery: "a shim of a higher epoch lives",
      ...spread(ms),
    }));
    return [
      {
        what: "kill -9 of the controller",
        times: kills,
        hit,
        recovery: "the next one listens",
        ...spread(ups),
      },
      {
        what: "",
        times: looks.length,
        hit: {},
        recovery: "it has read the repository and adopted",
        ...spread(looks),
      },
      ...recovered,
      {
        what: "calm after the last kill",
        times: 1,
        hit: {},
        recovery: "every mission is closed",
        ...spread(calms),
      },
    ];
  }

  return {
    killedController(seen, living) {
      kills += 1;
      if (seen === null) return count("before the first event");
      for (const phase of new Set(seen.states.map((state) => state.phase))) count(`phase ${phase}`);
      for (const type of new Set(seen.effects.map(({ effect }) => effect.type))) count(`effect ${type}`);
      if (living > 0) count("living instances");
    },
    killedInstance(victims, ms) {
      const list = instances.get(victims) ?? [];
      instances.set(victims, list);
      if (ms !== null) list.push(ms);
    },
    up: (ms) => void ups.push(ms),
    looked: (ms) => void looks.push(ms),
    calm: (ms) => void calms.push(ms),
    problem: (text) => void problems.push(text),
    finish(verdicts, { events, log }) {
      const errors = log.split("\n").filter((line) => / ERROR /.test(line));
      return {
        seed: options.seed,
        ok: problems.length === 0 && verdicts.every(({ broken }) => broken.length === 0),
        injected: injections(),
        verdicts,
        problems,
        events,
        errors: errors.slice(0, ERRORS_MAX),
        minutes: Math.round((performance.now() - begun) / 6_000) / 10,
      };
    },
  };
}

function spread(ms: readonly number[]): { msP50: number | null; msMax: number | null } {
  const sorted = [...ms].sort((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  return {
    msP50: middle === undefined ? null : Math.round(middle),
    msMax: sorted.length === 0 ? null : Math.round(sorted.at(-1) ?? 0),
  };
}

const BROKEN_SHOWN_MAX = 10;

/** For a terminal and for an issue: Markdown. */
export function reportText(report: ChaosReport): string {
  const lines = [
    `# Chaos, seed ${report.seed}: ${report.ok ? "every promise held" : "BROKEN PROMISES"}`,
    "",
    `${report.events} events in ${report.minutes} minutes.`,
    "",
    "| Injected | Times | Recovered when | p50 ms | max ms |",
    "|---|---:|---|---:|---:|",
    ...report.injected.map(
      (row) => `| ${row.what} | ${row.times} | ${row.recovery} | ${row.msP50 ?? "–"} | ${row.msMax ?? "–"} |`,
    ),
    "",
    "Kills of the controller hit:",
    "",
    ...report.injected.flatMap(({ hit }) =>
      Object.entries(hit)
        .sort((a, b) => b[1] - a[1])
        .map(([what, times]) => `- ${what}: ${times}`),
    ),
    "",
    "| Promise | Looked at | Broken |",
    "|---|---:|---:|",
    ...report.verdicts.map(({ promise, looked, broken }) => `| ${promise} | ${looked} | ${broken.length} |`),
  ];
  const broken = report.verdicts.flatMap((verdict) =>
    verdict.broken.slice(0, BROKEN_SHOWN_MAX).map((text) => `- ${verdict.promise}: ${text}`),
  );
  if (broken.length > 0 || report.problems.length > 0)
    lines.push("", "Broken:", "", ...broken, ...report.problems.map((text) => `- ${text}`));
  if (report.errors.length > 0)
    lines.push("", "Errors that controllers logged:", "", ...report.errors.map((line) => `- ${line}`));
  return `${lines.join("\n")}\n`;
}
