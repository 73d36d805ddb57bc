/** The process driver with real shims and fixture agents, for the contract suite and the tests beside it. */
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createProcessDriver } from "../../src/adapters/drivers/process/driver.ts";
import { defaultShimCommand } from "../../src/adapters/drivers/process/shim-program.ts";
import { createWorkspaces } from "../../src/adapters/workspace/workspaces.ts";
import type { InstanceHandle } from "../../src/core/model/instance.ts";
import { lookAtAgent } from "../../src/instance/agent-process.ts";
import { readAgentRecord } from "../../src/instance/containment.ts";
import { isRecord } from "../../src/instance/files.ts";
import { scanProcesses } from "../../src/instance/process-table.ts";
import { reserveArgument } from "../../src/instance/reserve.ts";
import type { ContainmentChoice, Driver, StartRequest } from "../../src/ports/driver.ts";
import type { Behaviour, DriverWorld } from "../contract/driver.ts";
import { type CallbackServer, forgetSocket, startCallbackServer } from "./callback-server.ts";
import { until } from "./until.ts";

export interface ProcessWorld extends DriverWorld {
  readonly root: string;
  /** The driver's directory. */
  readonly directory: string;
  readonly callback: CallbackServer;
  workspace(clone: string): string;
  agent(file: string, ...args: string[]): StartRequest["agent"];
}

/** Of this test file alone: another one, at the same time, gives its own away on a command line to see what comes of it. */
const OWN = randomBytes(6).toString("hex");
export const SECRET = `s3cr3t+value/with=signs-${OWN}`;
export const TOKEN = `bearer-0123456789abcdef-${OWN}`;

export const FIXTURES: Readonly<Record<Behaviour, string>> = {
  works: "ends-when-cancelled.js",
  "ignores-cancel": "ends-on-sigterm.js",
  "ignores-sigterm": "ignores-sigterm.js",
  succeeds: "completes.js",
  crashes: "exits-7.js",
  blocked: "says-blocked.js",
};

/** `reserve`: every start by `driver` takes a shim that was held in reserve. */
export async function createProcessWorld(
  containment: ContainmentChoice,
  { reserve = false }: { readonly reserve?: boolean } = {},
): Promise<ProcessWorld> {
  const root = mkdtempSync(join(tmpdir(), "factory-driver-"));
  const directory = join(root, "driver");
  const callback = await startCallbackServer();
  const shim = await defaultShimCommand();
  const workspaces = createWorkspaces({ driver: "process", directory: join(root, "workspaces") });
  const plain = newDriver();
  const release = reserve ? plain.keepReady?.(0) : undefined;
  const driver: Driver = reserve ? { ...plain, start: startFromReserve } : plain;

  async function startFromReserve(request: StartRequest, signal: AbortSignal): Promise<InstanceHandle> {
    await until(() => inReserve(directory).length > 0, "a shim in reserve");
    return plain.start(request, signal);
  }

  function newDriver(shimCommand?: readonly [string, ...string[]]): Driver {
    return createProcessDriver({
      directory,
      workspaces,
      installation: "test",
      containment,
      ...(shimCommand === undefined ? {} : { shimCommand }),
    });
  }

  function workspace(clone: string): string {
    const { place } = workspaces.refOf(clone);
    mkdirSync(place, { recursive: true });
    return place;
  }

  return {
    root,
    directory,
    callback,
    driver,
    workspace,
    agent: fixture,
    again: () => newDriver(),
    async write(clone, path, content) {
      const file = join(workspace(clone), path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
    },
    link: async (clone, path) => symlinkSync("/etc/passwd", join(workspace(clone), path)),
    request: (clone, behaviour) => ({
      clone,
      workspace: { ...workspaces.refOf(clone), place: workspace(clone) },
      agent: fixture(FIXTURES[behaviour]),
      healthChecks: [{ name: "shell", run: ["sh", "-c", "echo fine"], timeoutMs: 10_000 }],
      orphanPolicy: { action: "continue", afterMs: 3_600_000 },
      isolation: "group",
      token: TOKEN,
      secrets: new Map([["API_KEY", SECRET]]),
      callbackUrl: callback.url,
      heartbeatIntervalMs: 60,
    }),
    events: () => callback.events,
    heartbeats: () => callback.heartbeats,
    until,
    lateStart(request) {
      // A shell stands in front of the shim and waits for a file.
      const gate = join(root, `gate-${request.nonce}`);
      const script = `while [ ! -e '${gate}' ]; do sleep 0.02; done; exec "$0" "$@"`;
      const late = newDriver(["sh", "-c", script, ...shim]);
      const answer = late.start(request, new AbortController().signal);
      answer.catch(() => {}); // Looked at later.
      return { answer, release: () => writeFileSync(gate, "") };
    },
    refuseAll(refuses) {
      callback.answer = refuses ? () => ({ status: 503 }) : null;
    },
    killShim: (handle) => process.kill(shimPid(handle), "SIGKILL"),
    stopProcess(handle, which) {
      const record = readAgentRecord(join(directory, handle.clone, String(handle.epoch)));
      const pid = which === "shim" ? shimPid(handle) : record === null ? 0 : lookAtAgent(record).id.pid;
      if (pid > 1) process.kill(pid, "SIGSTOP");
    },
    killAgent(handle) {
      const record = readAgentRecord(join(directory, handle.clone, String(handle.epoch)));
      const pid = record?.init?.pid ?? record?.outer.pid;
      if (pid !== undefined) process.kill(pid, "SIGKILL");
    },
    async close() {
      const signal = AbortSignal.timeout(30_000);
      release?.();
      for (const { handle } of (await driver.list(signal)).instances) {
        await driver.stop(handle, { enter: "now", stdinGraceMs: 0, termGraceMs: 0, sweepMs: 10_000 }, signal);
        await driver.reap(handle, signal);
        rmSync(dirname(String(handle.data["socket"])), { recursive: true, force: true });
      }
      await callback.close();
      forgetSocket(callback);
      // A shim that was let go from the reserve still writes below the root until it ends.
      await until(() => inReserve(directory).length === 0, "the end of the shims in reserve");
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** Shims that a driver on this directory holds in reserve, by pid. */
export function inReserve(directory: string): readonly number[] {
  const argument = reserveArgument(directory);
  const cache = `NODE_COMPILE_CACHE=${join(directory, ".compile-cache")}`;
  return [...scanProcesses().keys()].filter(
    (pid) => argumentsOf(pid).at(-1) === argument && listOf(`/proc/${pid}/environ`).includes(cache),
  );
}

export function argumentsOf(pid: number): readonly string[] {
  return listOf(`/proc/${pid}/cmdline`);
}

function listOf(path: string): readonly string[] {
  try {
    return readFileSync(path, "utf8").split("\0").slice(0, -1);
  } catch {
    return []; // It has gone.
  }
}

export function shimPid(handle: InstanceHandle): number {
  const shim = handle.data["shim"];
  if (!isRecord(shim) || typeof shim["pid"] !== "number") throw new Error("the handle names no shim");
  return shim["pid"];
}

function fixture(file: string, ...args: string[]): StartRequest["agent"] {
  const path = fileURLToPath(new URL(`./agents/${file}`, import.meta.url));
  const program = file.endsWith(".sh") ? "sh" : "node";
  return { adapter: "command", command: [program, path, ...args], env: {}, accept: "on_start" };
}
