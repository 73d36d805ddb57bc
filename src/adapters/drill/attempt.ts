/** One drill: an instance that hears no signal and hides a descendant is started, fenced, and ended with proof. */
import { createHash } from "node:crypto";
import { chmodSync, closeSync, constants, openSync, realpathSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import type { DrillResult } from "../../core/model/drill.ts";
import { FactoryError } from "../../core/model/error.ts";
import type { Containment, DeathProof, InstanceHandle } from "../../core/model/instance.ts";
import { iso } from "../../core/model/time.ts";
import { socketAddress } from "../../instance/address.ts";
import { reachable } from "../../instance/proven.ts";
import type { Clock } from "../../ports/clock.ts";
import type { CollectRequest } from "../../ports/collect.ts";
import type { DrillRequest } from "../../ports/drills.ts";
import { DEFAULT_LADDER, type Driver, type StartRequest } from "../../ports/driver.ts";
import type { Random } from "../../ports/random.ts";
import type { MaterialiseRequest, WorkspaceRef } from "../../ports/workspaces.ts";
import { STUBBORN_AGENT } from "./stubborn-agent.ts";

/** A cold machine launches within seconds; a drill that takes longer has failed. */
const READY_MS = 60_000;
const WORKING_MS = 20_000;
const KILL_MS = 60_000;
const LOOK_MS = 20;
/** Twenty times what the agent lets pass between two signs of life. */
const SILENCE_MS = 1_000;

export interface Attempt {
  readonly driver: Driver;
  readonly clock: Clock;
  readonly random: Random;
  readonly at: number;
  /** Exists, and is nobody else's: instances know by this whom they may answer to. */
  readonly directory: string;
  /** Ends it early; what it started is ended by the next drill. */
  readonly cut: AbortSignal;
}

export async function attempt(request: DrillRequest, on: Attempt): Promise<DrillResult> {
  const { driver, clock, random, at, cut } = on;
  const signal = AbortSignal.any([cut, AbortSignal.timeout(READY_MS + WORKING_MS + KILL_MS)]);
  const base = { at: iso(at), target: request.target, enter: request.enter };
  const epoch = (await endLeftovers(driver, signal)) + 1;
  const { workspace } = await driver.workspaces.materialise(WORKSPACE, signal);
  if (driver.callback !== "socket")
    throw new FactoryError(
      "drill/elsewhere",
      "stall",
      `instances of driver ${driver.name} are on another machine and cannot reach what stands in for the controller here`,
    );
  const callback = await answerEverything(on.directory);
  try {
    const handle = await driver.start(
      startRequest({
        workspace,
        epoch: Math.max(epoch, at),
        nonce: random.nonce(),
        url: callback.url,
        isolation: request.isolation,
      }),
      signal,
    );
    await working({ driver, handle, workspace, clock }, signal);
    const begun = clock.now();
    await driver.fence(handle.clone, handle.epoch, signal);
    const proof = await driver.stop(handle, { ...DEFAULT_LADDER, enter: request.enter }, signal);
    const deathMs = clock.now() - begun;
    const before = await signsOfLife(driver, workspace, signal);
    await clock.sleep(SILENCE_MS, signal);
    const silent = (await signsOfLife(driver, workspace, signal)).join() === before.join();
    await driver.reap(handle, signal);
    return {
      ...base,
      passed: silent && proof.unproven === undefined,
      deathMs,
      containment: proof.containment,
      rung: proof.rung,
      evidence: evidenceOf(proof, silent),
    };
  } finally {
    callback.close();
  }
}

function evidenceOf({ evidence, unproven }: DeathProof, silent: boolean): string {
  if (!silent) return "the driver gave a proof, and yet something of it went on writing";
  if (unproven !== undefined) return `its death is unproven: ${unproven}`;
  return `${evidence}; nothing was written for ${SILENCE_MS} ms afterwards`;
}

async function working({ driver, handle, workspace, clock }: Launched, signal: AbortSignal): Promise<void> {
  const ready = async (): Promise<boolean> =>
    (await driver.pullOutbox(handle, 0, signal)).some(({ event_type: type }) => type === "instance.ready");
  await until(ready, { ms: READY_MS, what: "its readiness", signal, clock });
  const envelope = { mission_id: "drill", trace_id: "0".repeat(32) };
  await driver.dispatch(handle, envelope as Parameters<Driver["dispatch"]>[1], signal);
  const bothLive = async (): Promise<boolean> =>
    (await signsOfLife(driver, workspace, signal)).every((bytes) => bytes > 0);
  const what = "the first sign of life of both processes";
  await until(bothLive, { ms: WORKING_MS, what, signal, clock });
}

/** How much each of the two has written so far. */
async function signsOfLife(
  driver: Driver,
  workspace: WorkspaceRef,
  signal: AbortSignal,
): Promise<readonly number[]> {
  const sizes: number[] = [];
  for await (const found of driver.collect({ workspace }, SIZES, signal))
    if (found.type === "file") sizes.push(found.bytes ?? 0);
  return sizes;
}

const SIGNS = ["alive", "alive.escaped"] as const;
/** Their sizes, and nothing of what they hold. */
const SIZES: CollectRequest = {
  paths: SIGNS,
  limits: { filesMax: SIGNS.length, depthMax: 0, fileBytesMax: 0, totalBytesMax: 0 },
  larger: "nothing",
};

async function until(
  holds: () => boolean | Promise<boolean>,
  { ms, what, signal, clock }: { ms: number; what: string; signal: AbortSignal; clock: Clock },
): Promise<void> {
  for (let waited = 0; waited < ms; waited += LOOK_MS) {
    if (await holds()) return;
    await clock.sleep(LOOK_MS, signal);
  }
  throw new FactoryError("drill/late", "retry", `${what} did not happen within ${ms / 1_000} s`);
}

async function endLeftovers(driver: Driver, signal: AbortSignal): Promise<number> {
  let epoch = 0;
  for (const { handle, state } of (await driver.list(signal)).instances) {
    if (handle.clone === CLONE) epoch = Math.max(epoch, handle.epoch);
    if (state !== "dead") await driver.stop(handle, { ...DEFAULT_LADDER, enter: "now" }, signal);
    await driver.reap(handle, signal);
  }
  return epoch;
}

const CLONE = "drill";

const LOCK = `${JSON.stringify({ version: 1, files: [{ path: "agent.sh" }] })}\n`;
/** Every drill begins with the agent alone: what the one before wrote is taken away. */
const WORKSPACE: MaterialiseRequest = {
  clone: CLONE,
  manifest: {
    digest: `sha256:${createHash("sha256").update(LOCK).digest("hex")}`,
    files: [{ path: "agent.sh", executable: true, layer: "drill", content: { text: STUBBORN_AGENT } }],
    lock: LOCK,
  },
  blobs: new Map(),
  inputs: new Map(),
  cleared: SIGNS,
};

interface Launched {
  readonly driver: Driver;
  readonly handle: InstanceHandle;
  readonly workspace: WorkspaceRef;
  readonly clock: Clock;
}

function startRequest(drill: {
  readonly workspace: WorkspaceRef;
  readonly epoch: number;
  readonly nonce: string;
  readonly url: string;
  readonly isolation: Containment;
}): StartRequest {
  return {
    clone: CLONE,
    epoch: drill.epoch,
    nonce: drill.nonce,
    workspace: drill.workspace,
    agent: { adapter: "command", command: ["sh", "agent.sh"], env: {}, accept: "on_start" },
    healthChecks: [],
    orphanPolicy: { action: "terminate", afterMs: KILL_MS + READY_MS },
    isolation: drill.isolation,
    token: drill.nonce,
    secrets: new Map(),
    callbackUrl: drill.url,
    heartbeatIntervalMs: 1_000,
  };
}

/** Stands in for the controller, which a drill must not bother: every call is answered with success. */
function answerEverything(directory: string): Promise<{ readonly url: string; close(): void }> {
  const server: Server = createServer((request, response) => {
    request.resume();
    request.on("end", () => response.writeHead(request.method === "GET" ? 204 : 200).end());
  });
  const folder = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  const inside = reachable(folder, directory);
  const name = `drill-${process.pid}.sock`;
  rmSync(join(inside, name), { force: true });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(join(inside, name), () => {
      chmodSync(join(inside, name), 0o600);
      resolve({
        url: socketAddress(join(realpathSync(directory), name)),
        close() {
          server.close(() => closeSync(folder));
          server.closeAllConnections();
        },
      });
    });
  });
}
