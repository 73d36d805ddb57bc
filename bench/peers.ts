/** A hundred long-lived agents, ours and pm2's: until all run, until all are dead, and what the supervision of one costs. */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { endInstances, startController } from "../test/support/controller.ts";
import { cloneFile, cloneName, fleetFiles, missionFile } from "../test/support/fleet-files.ts";
import { createOrigin } from "../test/support/git.ts";
import { type Bench, type BenchOptions, type Measure, measure } from "./measure.ts";
import { type Footprint, footprint, pidsWith } from "./processes.ts";

const CLONES = 100;
const WAIT_MS = 180_000;
const LOOK_MS = 25;
const INSTALL_MS = 120_000;
const run = promisify(execFile);

interface Run {
  readonly startMs: number;
  readonly killMs: number;
  /** Of everything that supervises: the agents themselves are left out. */
  readonly supervision: Footprint;
}

export const benchPeers: Bench = async (options) => {
  const agent = join(options.directory, "agent.cjs");
  // It ends when its input ends, or by SIGTERM; in between it waits.
  writeFileSync(
    agent,
    'process.stdin.resume();process.stdin.on("end", () => {});process.on("SIGTERM", () => process.exit(0));setInterval(() => {}, 1 << 30);\n',
  );
  const ours = await runOurs(options, agent);
  options.log(`ours: ${JSON.stringify(ours)}`);
  const theirs = await runPm2(options, agent).catch((error: unknown) => {
    options.log(`pm2 cannot be measured here: ${String(error)}`);
    return null;
  });
  options.log(`pm2: ${JSON.stringify(theirs)}`);
  const row = (what: string, unit: string, pick: (run: Run) => number): Measure =>
    measure({
      bench: "peers",
      what,
      ours: { value: pick(ours), unit },
      peer: theirs === null ? null : { what: "pm2", value: pick(theirs), unit },
      ...(theirs === null ? { note: "pm2 could not be installed" } : {}),
    });
  return [
    row(`start of ${CLONES}, to the last one running`, "ms", (one) => one.startMs),
    row(`kill of ${CLONES}, to the last one dead`, "ms", (one) => one.killMs),
    row(
      "supervision's memory per agent (PSS)",
      "MiB",
      ({ supervision }) => (supervision.pssMiB ?? Number.NaN) / CLONES,
    ),
    row("supervision's memory per agent (RSS)", "MiB", ({ supervision }) => supervision.rssMiB / CLONES),
  ];
};

async function runOurs({ directory, log }: BenchOptions, agent: string): Promise<Run> {
  const origin = await createOrigin({ directory, name: "peers" });
  const names = Array.from({ length: CLONES }, (_, index) => `peer-${index + 1}`);
  await origin.commit(
    Object.assign(
      fleetFiles({ parallel: CLONES }),
      ...names.map((name) => cloneFile(cloneName(name), { command: ["node", agent] })),
    ),
  );
  const dataDir = join(directory, "peers-data");
  const controller = await startController({ dataDir, source: origin.path, poll: "10m" });
  try {
    await controller.client.call("reconcile");
    const files = names.map((name) => missionFile(name, { clone: cloneName(name), heartbeatSeconds: 30 }));
    await origin.commit(Object.assign({}, ...files));
    const begun = performance.now();
    void controller.client.call("reconcile");
    await until(() => agents(agent).length >= CLONES);
    const startMs = performance.now() - begun;
    const accepted = async (): Promise<boolean> =>
      (await controller.client.call("fleet")).missions.every(({ phase }) => phase === "Running");
    await until(accepted);
    log(`ours: all accepted after ${Math.round(performance.now() - begun)} ms`);
    const supervision = footprint([
      controller.pid,
      ...pidsWith(
        (args) => args.some((arg) => arg.startsWith(dataDir) && arg !== dataDir) || isWrapper(args, agent),
      ),
    ]);
    const killing = performance.now();
    await Promise.all(
      names.map((name) => controller.client.call("kill", { name, reason: "bench", now: true })),
    );
    await until(() => agents(agent).length === 0);
    return { startMs, killMs: performance.now() - killing, supervision };
  } finally {
    await controller.stop();
    await endInstances(dataDir);
  }
}

async function runPm2({ directory }: BenchOptions, agent: string): Promise<Run> {
  const prefix = join(directory, "pm2");
  const home = join(directory, "pm2-home");
  mkdirSync(prefix, { recursive: true });
  await run("npm", ["install", "--silent", "--no-audit", "--no-fund", "--prefix", prefix, "pm2"], {
    timeout: INSTALL_MS,
  });
  const program = join(prefix, "node_modules/pm2/bin/pm2");
  if (!existsSync(program)) throw new Error("pm2 has no program");
  const env = {
    ...process.env,
    PM2_HOME: home,
    PATH: `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}`,
  };
  const pm2 = (...args: string[]): Promise<unknown> =>
    run(process.execPath, [program, ...args], { env, timeout: WAIT_MS });
  const ecosystem = join(directory, "ecosystem.config.cjs");
  const apps = Array.from({ length: CLONES }, (_, index) => ({
    name: `peer-${index + 1}`,
    script: agent,
    interpreter: process.execPath,
    exec_mode: "fork",
  }));
  writeFileSync(ecosystem, `module.exports = ${JSON.stringify({ apps })};\n`);
  try {
    await pm2("ping");
    const begun = performance.now();
    const starting = pm2("start", ecosystem);
    await until(() => agents(agent).length >= CLONES);
    const startMs = performance.now() - begun;
    await starting;
    const supervision = footprint(
      pidsWith((args) => args.some((arg) => arg.includes(home)) && !isAgent(args, agent)),
    );
    const killing = performance.now();
    const ending = pm2("delete", "all");
    await until(() => agents(agent).length === 0);
    const killMs = performance.now() - killing;
    await ending;
    return { startMs, killMs, supervision };
  } finally {
    await pm2("kill").catch(() => {});
  }
}

function agents(agent: string): readonly number[] {
  return pidsWith((args) => isAgent(args, agent));
}

/** The agent itself; not what was put around it. pm2 renames its children to what they run. */
function isAgent(args: readonly string[], agent: string): boolean {
  return (/(^|\/)node$/.test(args[0] ?? "") && args[1] === agent) || args[0] === `node ${agent}`;
}

/** The namespace's opener and its first process. */
function isWrapper(args: readonly string[], agent: string): boolean {
  return args.includes(agent) && !isAgent(args, agent);
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within ${WAIT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
