/** Plays scenarios, each in walls of its own and within its limit. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createScratch } from "../support/git.ts";
import { SCENARIO_LIMIT_MS, type Scenario } from "./scenario.ts";
import { type Outcome, type Row, type SuiteReport, suiteReport } from "./suite-report.ts";
import { WALLS_MISSING, wallsFor } from "./walls.ts";

export interface SuiteOptions {
  readonly scenarios: ReadonlyMap<string, Scenario>;
  /** Where they were found. */
  readonly folder: string;
  log(line: string): void;
  /** So many at once; default 1. */
  readonly jobs?: number;
  /** Leave each scenario's folder behind. */
  readonly keep?: boolean;
}

const ONE = fileURLToPath(new URL("./one.ts", import.meta.url));

export async function playSuite(options: SuiteOptions): Promise<SuiteReport> {
  const begun = performance.now();
  const all = [...options.scenarios];
  const rows = new Map<string, Row>();
  async function work(waiting: [string, Scenario][]): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [name, scenario] = next;
      options.log(`${name} …`);
      const row = await play(name, scenario, options);
      rows.set(name, row);
      options.log(`${name}: ${shortly(row.outcome)}, ${row.seconds} s`);
    }
  }
  const together = all.filter(([, { alone }]) => alone !== true);
  await Promise.all(Array.from({ length: options.jobs ?? 1 }, () => work(together)));
  await work(all.filter(([, { alone }]) => alone === true));
  return suiteReport(
    all.flatMap(([name]) => rows.get(name) ?? []),
    Math.round((performance.now() - begun) / 6_000) / 10,
  );
}

async function play(name: string, scenario: Scenario, options: SuiteOptions): Promise<Row> {
  const begun = performance.now();
  const where = scenario.where ?? "–";
  const walls = wallsFor({ network: scenario.network === true });
  const done = (outcome: Outcome, leftBehind: readonly string[] = []): Row => ({
    name,
    where,
    outcome,
    leftBehind,
    seconds: Math.round((performance.now() - begun) / 100) / 10,
  });
  if (scenario.network === true && walls.missing !== null)
    return done({ type: "not_possible", message: walls.missing });
  const scratch = await createScratch(`factory-chaos-${name}`);
  try {
    const file = join(scratch.path, "outcome.json");
    const temporary = join(scratch.path, "tmp");
    await mkdir(temporary);
    const [program = "", ...args] = [...walls.command, process.execPath, ONE, options.folder, name, file];
    const child = spawn(program, args, {
      stdio: ["ignore", "ignore", "inherit"],
      detached: true,
      // Everything of a scenario lies below this: by it what belongs to it is known, and its processes are.
      env: { ...process.env, TMPDIR: temporary, [WALLS_MISSING]: walls.missing ?? "" },
    });
    const limitMs = scenario.limitMs ?? SCENARIO_LIMIT_MS;
    const late = await endedWithin(child, limitMs);
    const left = await sweep(scratch.path);
    if (late) return done({ type: "failed", message: `it did not end within ${limitMs / 1_000} s` });
    if (!existsSync(file))
      return done({
        type: "failed",
        message: `it ended with ${child.exitCode ?? child.signalCode} and said nothing`,
      });
    return done(JSON.parse(readFileSync(file, "utf8")) as Outcome, left);
  } finally {
    if (options.keep === true) options.log(`left behind: ${scratch.path}`);
    else await scratch.remove();
  }
}

/** Ends it at the limit, and with it what is within its walls; answers whether that was needed. */
async function endedWithin(child: ChildProcess, limitMs: number): Promise<boolean> {
  let late = false;
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  const timer = setTimeout(() => {
    late = true;
    kill();
  }, limitMs);
  await new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", () => resolve());
  });
  clearTimeout(timer);
  process.off("exit", kill);
  return late;
}

const SWEEPS_MAX = 50;
const SWEEP_WAIT_MS = 100;

/**
 * Whatever still names the scenario's folder is killed and named. With walls there is nothing to find but what the
 * kernel is just burying, so a first look that finds something is repeated.
 */
async function sweep(folder: string): Promise<readonly string[]> {
  let found: ReadonlyMap<number, string> = new Map();
  for (let round = 0; round < SWEEPS_MAX; round++) {
    const now = processesNaming(folder);
    if (now.size === 0) return [];
    found = now;
    // The kernel needs a moment for a whole namespace; from then on we help.
    if (round > SWEEPS_MAX / 5) for (const pid of now.keys()) signal(pid);
    await new Promise((resolve) => setTimeout(resolve, SWEEP_WAIT_MS));
  }
  return [...found].map(([pid, command]) => `process ${pid}: ${command}`);
}

function processesNaming(folder: string): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  for (const entry of readdirSync("/proc")) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const command = readOr(`/proc/${pid}/cmdline`).replaceAll("\0", " ");
    if (command.includes(folder) || readOr(`/proc/${pid}/environ`).includes(folder))
      found.set(pid, command.slice(0, 200));
  }
  return found;
}

function readOr(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

function signal(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself a moment ago.
  }
}

function shortly(outcome: Outcome): string {
  if (outcome.type === "not_possible") return `not possible here: ${outcome.message}`;
  if (outcome.type === "failed") return `FAILED: ${outcome.message.split("\n")[0]}`;
  return outcome.result.lost === null ? "held" : `LOST: ${outcome.result.lost}`;
}
