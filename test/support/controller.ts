/**
 * A real controller, `factory run`, as a child process in a process group of
 * its own. What it is asked goes over its HTTP API, as the command line does it.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type ControllerClient, createControllerClient } from "../../src/adapters/http/client.ts";
import { openDrivers } from "../../src/drivers.ts";
import { COMPILE_CACHE } from "./compile-cache.ts";
import { gitEnvironment } from "./git.ts";

export interface ControllerOptions {
  readonly dataDir: string;
  /** URL or path of the fleet repository. */
  readonly source: string;
  /** Between two looks at the repository; default `250ms`. */
  readonly poll?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Further arguments of `factory run`. */
  readonly args?: readonly string[];
  /** The program's main file; default: its source. */
  readonly program?: string;
  /** Words before it, of a program that becomes it in the end. */
  readonly through?: readonly string[];
}

export interface RunningController {
  readonly pid: number;
  readonly url: string;
  /** Where it listens on a port; null where it does not. */
  readonly network: string | null;
  readonly client: ControllerClient;
  /** Everything that this and earlier controllers on the same data directory have logged. */
  log(): string;
  /** Ends it without a chance to do anything and waits until it is gone. Its clones live on. */
  kill(): Promise<void>;
  /** Asks it to end and waits for that. Its clones live on. */
  stop(): Promise<number | null>;
}

/** A controller that has not come up by then will not. */
const UP_MS = 30_000;
const DOWN_MS = 20_000;
const LOOK_MS = 10;
const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

/** Starts a controller and resolves once it listens. It need not have looked at the repository yet. */
export async function startController(options: ControllerOptions): Promise<RunningController> {
  const child = spawnController(options);
  const { url, network = null } = await listening(options.dataDir, child);
  return {
    pid: pidOf(child),
    url,
    network,
    client: clientOf(options.dataDir, url),
    log: () => readLog(options.dataDir),
    async kill() {
      child.kill("SIGKILL");
      await ended(child);
    },
    async stop() {
      child.kill("SIGTERM");
      return ended(child);
    },
  };
}

/** Starts a controller and does not wait for anything. */
export function spawnController(options: ControllerOptions): ChildProcess {
  const log = openSync(logFile(options.dataDir), "a");
  const { dataDir, source, poll = "250ms", args = [], env = {}, program = MAIN, through = [] } = options;
  const run = [program, "--data", dataDir, "run", "--source", source, "--poll", poll, ...args];
  const [file = process.execPath, ...command] = [...through, process.execPath, ...run];
  const child = spawn(file, command, {
    detached: true,
    stdio: ["ignore", log, log],
    env: { ...gitEnvironment(), ...COMPILE_CACHE, TMPDIR: process.env["TMPDIR"] ?? "/tmp", ...env },
  });
  child.on("error", () => {}); // Told by the missing pid.
  closeSync(log);
  return child;
}

/** Resolves with the exit code once the process is gone. */
export async function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        child.kill("SIGKILL");
        reject(new Error(`the controller did not end within ${DOWN_MS} ms`));
      }, DOWN_MS);
      child.once("exit", () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
  return child.exitCode;
}

export function clientOf(dataDir: string, url: string, actor = "tester"): ControllerClient {
  const token = readFileSync(join(dataDir, "operator.token"), "utf8").trim();
  return createControllerClient({ url, token, actor });
}

export function readLog(dataDir: string): string {
  return existsSync(logFile(dataDir)) ? readFileSync(logFile(dataDir), "utf8") : "";
}

/** Ends every instance of a data directory and forgets it, with its folder, socket and cgroup. For the end of a test: no controller may be running. */
export async function endInstances(dataDir: string): Promise<void> {
  const identity = join(dataDir, "installation.json");
  if (!existsSync(identity)) return;
  const { installation } = JSON.parse(readFileSync(identity, "utf8")) as { installation: string };
  const [driver] = openDrivers({ dataDir, installation }).values();
  if (driver === undefined) return;
  const signal = AbortSignal.timeout(UP_MS);
  const ladder = { enter: "now", stdinGraceMs: 0, termGraceMs: 0, sweepMs: 10_000 } as const;
  const { instances } = await driver.list(signal);
  for (const { handle, state } of instances) {
    if (state !== "dead") await driver.stop(handle, ladder, signal);
    await driver.reap(handle, signal);
  }
}

function logFile(dataDir: string): string {
  return `${dataDir}.log`;
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error("the controller could not be started");
  return child.pid;
}

/** It says where it listens in a file, with its own process number. */
async function listening(dataDir: string, child: ChildProcess): Promise<Announced> {
  const deadline = performance.now() + UP_MS;
  while (performance.now() < deadline) {
    const announced = announcement(dataDir);
    if (announced !== null && announced.pid === child.pid) return announced;
    if (child.exitCode !== null || child.signalCode !== null) break;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  child.kill("SIGKILL");
  throw new Error(`the controller did not come up:\n${readLog(dataDir).slice(-4_000)}`);
}

interface Announced {
  readonly url: string;
  readonly network?: string;
  readonly pid: number | null;
}

export function announcement(dataDir: string): Announced | null {
  try {
    return JSON.parse(readFileSync(join(dataDir, "controller.json"), "utf8")) as Announced;
  } catch {
    return null; // Not there yet.
  }
}
