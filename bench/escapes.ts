/**
 * Kills agents that try every way out that is known, at random, and lets somebody else than the driver look for
 * survivors. What counts is whether a proof of death was true: a survivor of an instance that was said to be
 * dead is a lie; one of an instance whose death was said to be unproven is not.
 *
 *   node bench/escapes.ts [--count 100] [--seed 1] [--user uid] [--containment auto] [--attack name]…
 *
 * Starts its own servers, and puts back what it changes on the machine, also when it is killed.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createProcessDriver } from "../src/adapters/drivers/process/driver.ts";
import { createWorkspaces } from "../src/adapters/workspace/workspaces.ts";
import type { ContainmentChoice, Driver } from "../src/ports/driver.ts";
import { CORE_PATTERN, openGuard } from "../test/support/guard.ts";
import { envelope, runAs, startCallback, until } from "./kill.ts";

export const ATTACKS = [
  "daemons",
  "core_pattern",
  "server_tmp",
  "server_run",
  "server_abstract",
  "descriptors",
  "writes",
  "relay",
] as const;
export type Attack = (typeof ATTACKS)[number];

export interface EscapeReport {
  readonly user: number;
  readonly containment: string;
  readonly kills: number;
  /** Processes, writes and reads outside, of instances that were said to be dead. */
  readonly lies: number;
  readonly attacks: Readonly<Record<string, AttackReport>>;
}

export interface AttackReport {
  tried: number;
  /** Something of it lived on, or was written outside. */
  escaped: number;
  /** The death was said to be unproven. */
  unproven: number;
  /** A pause was confirmed, and something of the agent ran all the same. */
  ranInPause: number;
  /** A pause could not be confirmed, and that was said. */
  pauseRefused: number;
  /** What the last of them was answered. */
  said: readonly string[];
}

const FIXTURE = fileURLToPath(new URL("../test/support/agents/tries-to-escape.js", import.meta.url));
const SERVER = fileURLToPath(new URL("../test/support/runs-what-it-is-told.js", import.meta.url));
const LANES = 3;
const WAIT_MS = 60_000;
/** A descriptor that whoever started the controller left open; Node closes the first sixteen by itself. */
const LEAKED_FD = 200;

export async function benchEscapes(options: {
  readonly count: number;
  readonly seed?: number;
  readonly user?: number;
  readonly containment?: ContainmentChoice;
  /** Tried at random; with as many kills as there are, each once. Default: all that there are. */
  readonly attacks?: readonly Attack[];
}): Promise<EscapeReport> {
  const own = process.getuid?.() ?? -1;
  const { count, seed = 1, user = own, containment = "auto", attacks = [] } = options;
  const args = ["--count", String(count), "--seed", String(seed), "--containment", containment, "--inner"];
  for (const attack of attacks) args.push("--attack", attack);
  const command = [process.execPath, import.meta.filename, ...args];
  // In a process of its own also without another user: it has to inherit the descriptor.
  return await runAs<EscapeReport>(user, command, { leak: LEAKED_FD });
}

interface Place {
  readonly driver: Driver;
  readonly url: string;
  readonly root: string;
  readonly servers: Readonly<Record<string, string>>;
  /** What an agent must not be able to write to. */
  readonly precious: readonly string[];
}

async function inner(options: {
  readonly count: number;
  readonly seed: number;
  readonly containment: ContainmentChoice;
  readonly attacks: readonly Attack[];
}): Promise<EscapeReport> {
  const root = mkdtempSync(join(tmpdir(), "factory-escapes-"));
  const run = runtimeFolder();
  const callback = await startCallback(root);
  const settings = process.getuid?.() === 0 ? [CORE_PATTERN] : [];
  const guard = await openGuard({ settings, folders: [root, run] });
  const tag = randomBytes(4).toString("hex");
  const servers = {
    server_tmp: join(root, "s.sock"),
    server_run: join(run, "s.sock"),
    server_abstract: `@factory-${tag}`,
  };
  const server = await startServer(Object.values(servers));
  try {
    const precious = preciousFiles(root);
    const dataDir = join(root, "data");
    const driver = createProcessDriver({
      directory: join(dataDir, "instances"),
      installation: "bench",
      hidden: [dataDir, join(root, "origin"), join(root, "checkout"), join(root, "other-fleet")],
      containment: options.containment,
      workspaces: createWorkspaces({ driver: "process", directory: join(dataDir, "workspaces") }),
    });
    const kind = (await driver.capabilities(AbortSignal.timeout(WAIT_MS))).containment;
    const place: Place = { driver, url: callback.url, root, servers, precious };
    const attacks: Record<string, AttackReport> = {};
    const dice = createDice(options.seed);
    const asked = options.attacks.length > 0 ? options.attacks : ATTACKS;
    const each = options.count === asked.length;
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < options.count) {
        next += 1;
        const attack = (each ? asked[next - 1] : asked[dice(asked.length)]) ?? "daemons";
        await killOne({ place, attack, clone: `k${next}`, attacks });
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    const lies = Object.values(attacks).reduce(
      (sum, one) => sum + Math.max(0, one.escaped - one.unproven) + one.ranInPause,
      0,
    );
    return { user: process.getuid?.() ?? -1, containment: kind, kills: options.count, lies, attacks };
  } finally {
    server.stdin?.end();
    callback.server.closeAllConnections();
    callback.server.close();
    for (const folder of sockets) rmSync(folder, { recursive: true, force: true });
    await guard.end();
  }
}

const sockets = new Set<string>();

async function killOne(options: {
  readonly place: Place;
  readonly attack: Attack;
  readonly clone: string;
  readonly attacks: Record<string, AttackReport>;
}): Promise<void> {
  const { place, attack, clone, attacks } = options;
  const { driver } = place;
  const signal = AbortSignal.timeout(WAIT_MS);
  const nonce = randomBytes(16).toString("hex");
  const mark = `mark-${nonce}`;
  const workspace = driver.workspaces.refOf(clone);
  mkdirSync(workspace.place, { recursive: true });
  const server = place.servers[attack];
  const arguments_ =
    server !== undefined ? ["server", server] : [attack, ...(attack === "writes" ? place.precious : [])];
  const handle = await driver.start(
    {
      clone,
      epoch: 1,
      nonce,
      workspace,
      agent: {
        adapter: "command",
        command: [process.execPath, FIXTURE, mark, ...arguments_],
        env: {},
        accept: "on_start",
      },
      healthChecks: [],
      orphanPolicy: { action: "continue", afterMs: 3_600_000 },
      isolation: "group",
      token: nonce,
      secrets: new Map(),
      callbackUrl: place.url,
      heartbeatIntervalMs: 10_000,
    },
    signal,
  );
  const said = async (type: string): Promise<boolean> =>
    (await driver.pullOutbox(handle, 0, signal)).some((event) => event.event_type === type);
  await until(() => said("instance.ready"), signal);
  await driver.dispatch(handle, envelope(clone), signal);
  await until(async () => (await said("mission.progress")) || (await said("instance.exited")), signal);
  const report = attacks[attack] ?? nothingYet();
  attacks[attack] = report;
  report.tried += 1;
  report.said = resultOf(workspace.place);
  if (attack === "relay") await pauseOne({ driver, handle, log: join(workspace.place, "relay.log"), report });
  const proof = await driver.stop(
    handle,
    { enter: "now", stdinGraceMs: 0, termGraceMs: 0, sweepMs: 10_000 },
    signal,
  );
  const left = marked(mark);
  const written = writtenBy(mark, place);
  if (left.length > 0 || written) report.escaped += 1;
  if ("unproven" in proof && proof.unproven !== undefined) report.unproven += 1;
  for (const pid of left) process.kill(pid, "SIGKILL");
  await driver.reap(handle, signal);
  sockets.add(dirname(String(handle.data["socket"])));
  rmSync(workspace.place, { recursive: true, force: true });
}

/** Whether anything runs while a pause is said to stand: a relay writes a line with every step. */
async function pauseOne(options: {
  readonly driver: Driver;
  readonly handle: Parameters<Driver["pause"]>[0];
  readonly log: string;
  readonly report: AttackReport;
}): Promise<void> {
  const { driver, handle, log, report } = options;
  const signal = AbortSignal.timeout(WAIT_MS);
  try {
    await driver.pause(handle, signal);
  } catch {
    report.pauseRefused += 1;
    return;
  }
  const before = sizeOf(log);
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  if (sizeOf(log) !== before) report.ranInPause += 1;
}

const PAUSE_MS = 500;

function nothingYet(): AttackReport {
  return { tried: 0, escaped: 0, unproven: 0, ranInPause: 0, pauseRefused: 0, said: [] };
}

function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
}

function resultOf(workspace: string): readonly string[] {
  try {
    return JSON.parse(readFileSync(join(workspace, "result.json"), "utf8")) as string[];
  } catch {
    return [];
  }
}

/** Living processes with the mark among their arguments. */
function marked(mark: string): readonly number[] {
  return readdirSync("/proc").flatMap((entry) => {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) return [];
    try {
      return readFileSync(`/proc/${entry}/cmdline`, "latin1").includes(mark) ? [Number(entry)] : [];
    } catch {
      return []; // Gone since the listing.
    }
  });
}

function writtenBy(mark: string, place: Place): boolean {
  const leaked = process.env["ESCAPES_LEAK"];
  const files = leaked === undefined ? place.precious : [...place.precious, leaked];
  return files.some((path) => readFileSync(path, "latin1").includes(mark));
}

/** A local source with its hooks, the fleet's checkout, and another fleet's data directory of the same user. */
function preciousFiles(root: string): readonly string[] {
  return ["origin/hooks/post-receive", "checkout/fleet.yaml", "other-fleet/operator.token"].map((name) => {
    const path = join(root, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, "");
    return path;
  });
}

/** A folder for sockets where those of the session lie; in /var/tmp for a user without one. */
function runtimeFolder(): string {
  for (const base of [process.env["XDG_RUNTIME_DIR"], "/run"]) {
    try {
      if (base !== undefined) return mkdtempSync(join(base, "factory-escapes-"));
    } catch {
      // The next one.
    }
  }
  return mkdtempSync("/var/tmp/factory-escapes-");
}

async function startServer(places: readonly string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, [SERVER, ...places], { stdio: ["pipe", "pipe", "inherit"] });
  let text = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    text += chunk.toString("utf8");
  });
  await until(() => text.split("\n").length > places.length, AbortSignal.timeout(WAIT_MS));
  return child;
}

/** Mulberry32: the same seed, the same attacks. */
function createDice(seed: number): (sides: number) => number {
  let state = seed >>> 0;
  return (sides) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % sides;
  };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      count: { type: "string", default: "100" },
      seed: { type: "string", default: "1" },
      user: { type: "string" },
      containment: { type: "string", default: "auto" },
      attack: { type: "string", multiple: true, default: [] },
      inner: { type: "boolean", default: false },
    },
  });
  const options = {
    count: Number(values.count),
    seed: Number(values.seed),
    containment: values.containment as ContainmentChoice,
    attacks: values.attack as Attack[],
  };
  const report = values.inner
    ? await inner(options)
    : await benchEscapes({ ...options, ...(values.user === undefined ? {} : { user: Number(values.user) }) });
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
}
