/**
 * Kills agents that do everything to survive, and lets somebody else look for survivors: not the
 * driver's own bookkeeping but a mark in the arguments of every process of the fixture.
 *
 *   node bench/kill.ts [--count 100] [--user nobody-id]
 */

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { MissionEnvelope } from "../src/api/envelope.ts";
import { driverNamed, openDrivers } from "../src/drivers.ts";
import { SOCKET_NAME, socketAddress } from "../src/instance/address.ts";
import type { Driver } from "../src/ports/driver.ts";

export interface KillReport {
  readonly user: number;
  readonly containment: string;
  readonly kills: number;
  /** Processes found by the mark after their instance was proven dead. */
  readonly survivors: number;
  /** Processes that were seen alive by the mark just before the kills. */
  readonly processes: number;
  readonly proofs: number;
  readonly rungs: Readonly<Record<string, number>>;
  readonly msP50: number;
  readonly msP99: number;
  readonly msMax: number;
}

const FIXTURE = fileURLToPath(new URL("../test/support/agents/escapes-and-multiplies.sh", import.meta.url));
/** Folders to clear away at the end. */
const sockets = new Set<string>();
const LANES = 4;
/** The first process, two escaped ones and their children. */
const PROCESSES_MIN = 5;
const WAIT_MS = 60_000;

/** With `user` the whole of it runs as that user, which only root may ask for. */
export async function benchKills(options: {
  readonly count: number;
  readonly user?: number;
}): Promise<KillReport> {
  if (options.user !== undefined && options.user !== process.getuid?.())
    return runAs(options.user, [process.execPath, import.meta.filename, "--count", String(options.count)]);
  const root = mkdtempSync(join(tmpdir(), "factory-kill-"));
  const callback = await startCallback(root);
  try {
    const driver = driverNamed(openDrivers({ dataDir: root, installation: "bench" }), "process");
    const { containment } = await driver.capabilities(AbortSignal.timeout(WAIT_MS));
    const results: Kill[] = [];
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < options.count) {
        next += 1;
        results.push(await killOne({ driver, url: callback.url, clone: `k${next}` }));
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    return summarise(results, containment);
  } finally {
    callback.server.closeAllConnections();
    callback.server.close();
    for (const folder of [root, ...sockets]) rmSync(folder, { recursive: true, force: true });
  }
}

interface Kill {
  readonly ms: number;
  readonly rung: string;
  readonly proven: boolean;
  readonly before: number;
  readonly after: number;
}

async function killOne(options: {
  readonly driver: Driver;
  readonly url: string;
  readonly clone: string;
}): Promise<Kill> {
  const { driver, clone } = options;
  const signal = AbortSignal.timeout(WAIT_MS);
  const nonce = randomBytes(16).toString("hex");
  const mark = `mark-${nonce}`;
  const workspace = driver.workspaces.refOf(clone);
  mkdirSync(workspace.place, { recursive: true });
  const handle = await driver.start(
    {
      clone,
      epoch: 1,
      nonce,
      workspace,
      agent: { adapter: "command", command: ["sh", FIXTURE, mark], env: {}, accept: "on_start" },
      healthChecks: [],
      orphanPolicy: { action: "continue", afterMs: 3_600_000 },
      isolation: "group",
      token: nonce,
      secrets: new Map(),
      callbackUrl: options.url,
      heartbeatIntervalMs: 10_000,
    },
    signal,
  );
  await until(async () => (await driver.pullOutbox(handle, 0, signal)).length > 0, signal);
  await driver.dispatch(handle, envelope(clone), signal);
  let before = 0;
  await until(() => {
    before = countMarked(mark);
    return before >= PROCESSES_MIN;
  }, signal);
  const begun = performance.now();
  const proof = await driver.stop(
    handle,
    { enter: "now", stdinGraceMs: 0, termGraceMs: 0, sweepMs: 10_000 },
    signal,
  );
  const ms = performance.now() - begun;
  const after = countMarked(mark);
  await driver.reap(handle, signal);
  sockets.add(dirname(String(handle.data["socket"])));
  rmSync(workspace.place, { recursive: true, force: true });
  return { ms, rung: proof.rung, proven: proof.emptyScans >= 2, before, after };
}

/** Living processes with the mark among their arguments; the dead that wait to be reaped have none. */
function countMarked(mark: string): number {
  let count = 0;
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      if (readFileSync(`/proc/${entry}/cmdline`, "latin1").includes(mark) && !ownCommand(entry)) count += 1;
    } catch {
      // Gone since the listing.
    }
  }
  return count;
}

function ownCommand(pid: string): boolean {
  return Number(pid) === process.pid;
}

export async function until(holds: () => boolean | Promise<boolean>, signal: AbortSignal): Promise<void> {
  while (!(await holds())) {
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function summarise(results: readonly Kill[], containment: string): KillReport {
  const times = results.map((result) => result.ms).sort((a, b) => a - b);
  const at = (part: number): number =>
    Math.round(times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? 0);
  const rungs: Record<string, number> = {};
  for (const result of results) rungs[result.rung] = (rungs[result.rung] ?? 0) + 1;
  return {
    user: process.getuid?.() ?? -1,
    containment,
    kills: results.length,
    survivors: results.reduce((sum, result) => sum + result.after, 0),
    processes: results.reduce((sum, result) => sum + result.before, 0),
    proofs: results.filter((result) => result.proven).length,
    rungs,
    msP50: at(0.5),
    msP99: at(0.99),
    msMax: Math.round(times.at(-1) ?? 0),
  };
}

/**
 * A program that prints a report, in a process of that user with a folder of its own to write to. `leak`: it inherits a
 * descriptor of that number for a file, whose name is in its environment.
 */
export function runAs<T>(
  user: number,
  command: readonly string[],
  { leak }: { readonly leak?: number } = {},
): Promise<T> {
  const home = mkdtempSync(join(tmpdir(), "factory-kill-user-"));
  const own = process.getuid?.() === user;
  if (!own) chownSync(home, user, user);
  chmodSync(home, 0o700);
  const as = own ? [] : ["setpriv", "--reuid", String(user), "--regid", String(user), "--clear-groups", "--"];
  const leaked = join(home, "leaked");
  const opened = leak === undefined ? [] : ["bash", "-c", `exec ${leak}>"$0"; exec "$@"`, leaked];
  const [program = "false", ...args] = [...as, ...opened, ...command];
  const child = spawn(program, args, {
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      ...process.env,
      TMPDIR: home,
      HOME: home,
      ...(leak === undefined ? {} : { ESCAPES_LEAK: leaked }),
    },
  });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString("utf8");
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      rmSync(home, { recursive: true, force: true });
      if (code === 0) resolve(JSON.parse(text) as T);
      else reject(new Error(`the bench as user ${user} ended with ${code}`));
    });
  });
}

/** Shims believe what listens in a folder that is closed to others: one of its own below `root`. */
export function startCallback(root: string): Promise<{ readonly server: Server; readonly url: string }> {
  const folder = join(root, "callback");
  mkdirSync(folder, { mode: 0o700 });
  const path = join(folder, SOCKET_NAME);
  const server = createServer((request, response) => {
    request.resume();
    request.on("end", () => response.writeHead(204).end());
  });
  return new Promise((resolve) => {
    server.listen(path, () => resolve({ server, url: socketAddress(path) }));
  });
}

export function envelope(clone: string): MissionEnvelope {
  return {
    mission_id: `m-${clone}`,
    vp_id: clone,
    vp_session_id: `${clone}/1`,
    vp_runtime_id: "",
    source_instance_id: "bench",
    target_instance_id: `${clone}/1`,
    mission_type: "custom",
    objective: "survive",
    constraints: { allowed_tools: [], forbidden_tools: [], approval_required: [] },
    budget: { max_runtime_minutes: 1, max_llm_calls: null, max_cost_usd: null },
    autonomy_window: { start_at: null, end_at: null },
    heartbeat_interval_seconds: 10,
    report_cadence: "milestone",
    success_criteria: [],
    artifact_policy: { required_outputs: [], storage_scope: "factory" },
    callback: { status_url: "", auth_mode: "bearer", auth_ref: "" },
    idempotency_key: clone,
    trace_id: "0".repeat(32),
    created_at: new Date(0).toISOString(),
  };
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { count: { type: "string" }, user: { type: "string" } } });
  const user = values.user === undefined ? {} : { user: Number(values.user) };
  const report = await benchKills({ count: Number(values.count ?? "100"), ...user });
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
}
