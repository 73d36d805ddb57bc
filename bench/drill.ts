/**
 * Time to death of drills: an instance that hears no signal and hides a descendant, killed by the whole ladder, beside a
 * plain `kill -9` of the same program's process tree, which proves nothing and leaves the descendant alive.
 */
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createDrills, DRILL_INSTALLATION } from "../src/adapters/drill/drill.ts";
import { STUBBORN_AGENT } from "../src/adapters/drill/stubborn-agent.ts";
import { systemClock } from "../src/adapters/system/clock.ts";
import { systemRandom } from "../src/adapters/system/random.ts";
import { openDrivers } from "../src/drivers.ts";
import { type Bench, type Measure, measure, median, quantile } from "./measure.ts";

const DRILLS = 10;
const DRILLS_FULL = 50;
/** Each of these lasts for the whole grace, ten seconds. */
const TERM_PART = 5;
const P99_MS = 2_000;
const WAIT_MS = 30_000;

export const benchDrill: Bench = async ({ full, directory, log }) => {
  const count = full ? DRILLS_FULL : DRILLS;
  const plain: Plain[] = [];
  for (let turn = 0; turn < count; turn++) plain.push(await killPlainly(join(directory, `plain-${turn}`)));
  const left = plain.reduce((sum, { survivors }) => sum + survivors, 0);
  const measures: Measure[] = [];
  for (const enter of ["now", "term"] as const) {
    const drills = createDrills({
      drivers: openDrivers({ dataDir: join(directory, enter), installation: DRILL_INSTALLATION }),
      directory: join(directory, enter),
      clock: systemClock(),
      random: systemRandom(),
    });
    const times: number[] = [];
    let containment: string | null = null;
    const turns = enter === "now" ? count : Math.ceil(count / TERM_PART);
    for (let turn = 0; turn < turns; turn++) {
      const result = await drills.run({ target: "canary", driver: "process", isolation: "group", enter });
      if (result?.deathMs == null || !result.passed)
        throw new Error(`a drill failed: ${result?.evidence ?? "it was cut off"}`);
      times.push(result.deathMs);
      ({ containment } = result);
    }
    log(JSON.stringify({ enter, times, plain }));
    const entered = enter === "now" ? "`--now`" : "from SIGTERM on, which it ignores for the whole grace";
    for (const [name, part] of [
      ["p50", 0.5],
      ["p99", 0.99],
    ] as const)
      measures.push(
        measure({
          bench: "drill",
          what: `${times.length} drills ${entered}, fence to proof, ${name}`,
          ours: { value: quantile(times, part), unit: "ms" },
          peer: {
            value:
              part === 0.5
                ? median(plain.map(({ ms }) => ms))
                : quantile(
                    plain.map(({ ms }) => ms),
                    part,
                  ),
            unit: "ms",
            what: `kill -9 of its process tree, without proof; ${left} processes outlived ${count} of them`,
          },
          ...(enter === "now" && name === "p99"
            ? { target: { text: "< 2 s", met: quantile(times, part) < P99_MS } }
            : {}),
          note: `containment ${containment}`,
        }),
      );
  }
  return measures;
};

interface Plain {
  readonly ms: number;
  /** Found by the workspace that they write to. */
  readonly survivors: number;
}

/** What a person does: finds the children of a process, kills all of them, and looks whether those are gone. */
async function killPlainly(workspace: string): Promise<Plain> {
  mkdirSync(workspace, { recursive: true });
  writeFileSync(join(workspace, "agent.sh"), STUBBORN_AGENT, { mode: 0o700 });
  const child = spawn("sh", ["agent.sh"], { cwd: workspace, stdio: "ignore", detached: true });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const { pid } = child;
  if (pid === undefined) throw new Error("the agent could not be started");
  await until(() =>
    ["alive", "alive.escaped"].every(
      (name) => (statSync(join(workspace, name), { throwIfNoEntry: false })?.size ?? 0) > 0,
    ),
  );
  const begun = performance.now();
  const tree = treeOf(pid);
  for (const one of tree) signal(one);
  await ended;
  await until(() => tree.every((one) => !isAlive(one)));
  const ms = performance.now() - begun;
  const survivors = naming(workspace);
  for (const one of survivors) signal(one);
  await until(() => naming(workspace).length === 0);
  return { ms, survivors: survivors.length };
}

function treeOf(root: number): readonly number[] {
  const parents = pids().map((pid) => ({ pid, parent: parentOf(pid) }));
  const tree = [root];
  for (const pid of tree) tree.push(...parents.filter(({ parent }) => parent === pid).map((one) => one.pid));
  return tree;
}

/** By the arguments of its loop, or its working directory's file in them. */
function naming(workspace: string): readonly number[] {
  return pids().filter(
    (pid) =>
      pid !== process.pid && read(`/proc/${pid}/cmdline`).includes(`${join(workspace, "alive")}.escaped`),
  );
}

function pids(): readonly number[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number);
}

function parentOf(pid: number): number {
  return Number(read(`/proc/${pid}/stat`).split(") ")[1]?.split(" ")[1] ?? Number.NaN);
}

function isAlive(pid: number): boolean {
  const state = read(`/proc/${pid}/stat`).split(") ")[1]?.[0];
  return state !== undefined && state !== "Z" && state !== "X";
}

function read(path: string): string {
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
    // Gone since it was found.
  }
}

async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error("it did not happen in time");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
