import type { ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { type ControllerClient, createControllerClient } from "../../adapters/http/client.ts";
import { FactoryError } from "../../core/model/error.ts";
import { SECOND_MS } from "../../core/model/time.ts";
import { signalChild } from "../../instance/signal-child.ts";
import { startProgram } from "../../instance/start-program.ts";
import type { Clock } from "../../ports/clock.ts";
import { MAIN_FILE } from "../package-files.ts";
import { readText } from "../place.ts";
import { BRANCH, type Scratch } from "./scratch.ts";

/** Short, because somebody watches; a real fleet looks every half minute. */
const POLL = "500ms";
const UP_TIMEOUT_MS = 60 * SECOND_MS;
const LOOK_MS = 50;
/** Between asking the controller to end and ending it. */
const END_GRACE_MS = 15 * SECOND_MS;
const LOG_LINES_SHOWN = 5;

export interface DemoController {
  readonly client: ControllerClient;
  /** Code with which it ended; null while it runs. */
  ended(): number | null;
  /** Ends it, and everything that it started. Safe to repeat. */
  abort(): Promise<void>;
}

export interface DemoRun {
  /** Ends by itself once every mission is closed; else it goes on until `abort`. Default: true. */
  readonly untilClosed?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts `factory run` as a process of its own and answers once it can be asked. */
export async function startController(
  scratch: Scratch,
  clock: Clock,
  { untilClosed = true, env = {} }: DemoRun = {},
): Promise<DemoController> {
  const log = openSync(scratch.log, "a", 0o600);
  const args = ["--source", scratch.origin, "--branch", BRANCH, "--data", scratch.data, "--poll", POLL];
  const command = [MAIN_FILE, "run", ...args, ...(untilClosed ? ["--until-closed"] : []), "--log-json"];
  const { child, failure } = startProgram(process.execPath, command, {
    cwd: scratch.dir,
    env: { ...environment(), ...env },
    stdio: ["ignore", "ignore", log],
    // What interrupts us in a terminal is not to reach it: we end it in order, with its clones.
    detached: true,
  });
  closeSync(log);
  if (child === null) throw new FactoryError("demo/not-started", "retry", (await failure).message);
  try {
    const client = await waitUntilUp({ child, scratch, clock });
    return { client, ended: () => endedOf(child), abort: () => abort(child, client, clock) };
  } catch (error) {
    await abort(child, null, clock);
    throw error;
  }
}

/** Why the controller ended early, with what it said last. */
export function diedEarly(scratch: Scratch, exitCode: number): FactoryError {
  const lines = (readText(scratch.log) ?? "").trimEnd().split("\n").slice(-LOG_LINES_SHOWN);
  const said = lines.map((line) => line.slice(0, 500)).join("\n");
  return new FactoryError(
    "demo/controller-ended",
    "retry",
    `the controller ended early (${exitCode}); its log is ${scratch.log}${said === "" ? "" : `\n${said}`}`,
  );
}

async function waitUntilUp(parts: {
  child: ChildProcess;
  scratch: Scratch;
  clock: Clock;
}): Promise<ControllerClient> {
  const { child, scratch, clock } = parts;
  const deadline = clock.now() + UP_TIMEOUT_MS;
  while (clock.now() < deadline) {
    const exitCode = endedOf(child);
    if (exitCode !== null) throw diedEarly(scratch, exitCode);
    const announced = announcement(scratch.data);
    const token = readText(join(scratch.data, "operator.token"))?.trim();
    if (announced !== null && announced.pid === child.pid && token !== undefined) {
      return createControllerClient({ url: announced.url, token, actor: "demo" });
    }
    await pause(clock, LOOK_MS);
  }
  throw new FactoryError(
    "demo/timed-out",
    "retry",
    `the controller did not come up; its log is ${scratch.log}`,
  );
}

function announcement(data: string): { url: string; pid: number | null } | null {
  const text = readText(join(data, "controller.json"));
  return text === null ? null : (JSON.parse(text) as { url: string; pid: number | null });
}

/** Kills what it runs first: a controller that merely ends leaves its clones alive, to be adopted. */
async function abort(child: ChildProcess, client: ControllerClient | null, clock: Clock): Promise<void> {
  if (endedOf(child) !== null) return;
  const deadline = clock.now() + END_GRACE_MS;
  if (client !== null) await killAll(client, clock, deadline).catch(() => {});
  signalChild(child, "SIGTERM");
  while (endedOf(child) === null && clock.now() < deadline) await pause(clock, LOOK_MS);
  if (endedOf(child) === null) signalChild(child, "SIGKILL");
}

async function killAll(client: ControllerClient, clock: Clock, deadline: number): Promise<void> {
  const living = async (): Promise<string[]> =>
    (await client.call("fleet")).clones.filter((clone) => clone.instance !== null).map((clone) => clone.name);
  for (const name of await living())
    await client.call("kill", { name, reason: "the demo was interrupted", now: true });
  while ((await living()).length > 0 && clock.now() < deadline) await pause(clock, LOOK_MS);
}

function endedOf(child: ChildProcess): number | null {
  if (child.exitCode !== null) return child.exitCode;
  return child.signalCode === null ? null : 128;
}

/** The clock port never keeps a process alive; a command that waits has to. */
export async function pause(clock: Clock, ms: number): Promise<void> {
  const alive = setInterval(() => {}, 60 * SECOND_MS);
  try {
    await clock.sleep(ms);
  } finally {
    clearInterval(alive);
  }
}

/** Without what would lead the controller elsewhere than to the scratch repository. */
function environment(): NodeJS.ProcessEnv {
  const env = { ...process.env };
  for (const name of ["FACTORY_DATA", "FACTORY_SOURCE", "FACTORY_URL", "FACTORY_TOKEN"]) delete env[name];
  return env;
}
