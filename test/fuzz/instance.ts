/** A real shim with an agent that prints what it is told: `cat` of a pipe. Started anew where an input has ended it by rights. */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { envelope, startCallback } from "../../bench/kill.ts";
import { createProcessDriver } from "../../src/adapters/drivers/process/driver.ts";
import { createWorkspaces } from "../../src/adapters/workspace/workspaces.ts";
import type { InstanceHandle } from "../../src/core/model/instance.ts";
import { readClaim, readIntent } from "../../src/instance/claim.ts";
import { createScratch } from "../support/git.ts";
import { until } from "../support/until.ts";

export interface ShimUnderTest {
  readonly pid: number;
  readonly socket: string;
  readonly nonce: string;
  /** What the agent prints, as soon as its supervisor takes it. */
  print(bytes: Uint8Array): Promise<void>;
  transcript(): string;
  alive(): boolean;
  /** Another one, of the next clone. */
  renew(): Promise<void>;
  close(): Promise<void>;
}

const NOW = { enter: "now", stdinGraceMs: 0, termGraceMs: 0, sweepMs: 10_000 } as const;

export async function openShim(): Promise<ShimUnderTest> {
  const scratch = await createScratch("factory-fuzz-shim");
  const callback = await startCallback(scratch.path);
  const driver = createProcessDriver({
    directory: join(scratch.path, "instances"),
    installation: "fuzz",
    containment: "group",
    workspaces: createWorkspaces({ driver: "process", directory: join(scratch.path, "workspaces") }),
  });
  let count = 0;
  let now = await start();

  async function start(): Promise<{
    handle: InstanceHandle;
    directory: string;
    pipe: FileHandle;
    pid: number;
    socket: string;
    nonce: string;
  }> {
    count += 1;
    const clone = `fuzzed-${count}`;
    const signal = AbortSignal.timeout(60_000);
    const workspace = driver.workspaces.refOf(clone);
    mkdirSync(workspace.place, { recursive: true });
    const path = join(workspace.place, "pipe");
    execFileSync("mkfifo", [path]);
    chmodSync(path, 0o600);
    const nonce = randomBytes(16).toString("hex");
    const handle = await driver.start(
      {
        clone,
        epoch: 1,
        nonce,
        workspace,
        agent: { adapter: "command", command: ["cat", path], env: {}, accept: "on_start" },
        healthChecks: [],
        orphanPolicy: { action: "continue", afterMs: 3_600_000 },
        isolation: "group",
        token: nonce,
        secrets: new Map(),
        callbackUrl: callback.url,
        heartbeatIntervalMs: 10_000,
      },
      signal,
    );
    const said = async (type: string) =>
      (await driver.pullOutbox(handle, 0, signal)).some(({ event_type }) => event_type === type);
    await until(() => said("instance.ready"), "the shim to be ready");
    await driver.dispatch(handle, envelope(clone), signal);
    await until(() => said("mission.accepted"), "the agent to run");
    const directory = join(scratch.path, "instances", clone, "1");
    const claim = readClaim(directory);
    const intent = readIntent(directory);
    if (claim === null || claim.fenced || intent === null) throw new Error("no shim");
    return {
      handle,
      directory,
      pipe: await open(path, "r+"),
      pid: claim.shim.pid,
      socket: intent.socket,
      nonce,
    };
  }

  async function end(): Promise<void> {
    const signal = AbortSignal.timeout(60_000);
    await driver.stop(now.handle, NOW, signal);
    await now.pipe.close();
    await driver.reap(now.handle, signal);
  }

  return {
    get pid() {
      return now.pid;
    },
    get socket() {
      return now.socket;
    },
    get nonce() {
      return now.nonce;
    },
    async print(bytes) {
      for (let at = 0; at < bytes.length; ) at += (await now.pipe.write(bytes, at)).bytesWritten;
    },
    transcript: () =>
      ["transcript.1.log", "transcript.log"].map((name) => textOf(join(now.directory, name))).join(""),
    alive: () => textOf(`/proc/${now.pid}/cmdline`) !== "" && textOf(join(now.directory, "exit.json")) === "",
    async renew() {
      await end();
      now = await start();
    },
    async close() {
      await end();
      callback.server.closeAllConnections();
      callback.server.close();
      await scratch.remove();
    },
  };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
