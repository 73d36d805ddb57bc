/** Launching: intent on disk, then a shim that claims the epoch, then a handle. */
import type { ChildProcess } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { FactoryError } from "../../../core/model/error.ts";
import { CONTAINMENTS, type InstanceHandle } from "../../../core/model/instance.ts";
import { claimFenced, isShimAlive, raiseFence, readClaim, readFence } from "../../../instance/claim.ts";
import { createCgroup, joining } from "../../../instance/containment.ts";
import type { LaunchSettings } from "../../../instance/launch-settings.ts";
import { createResourceGroups } from "../../../instance/resource-limits.ts";
import { refuseShortageOf, startProgram } from "../../../instance/start-program.ts";
import type { StartRequest } from "../../../ports/driver.ts";
import type { Machine } from "./capabilities.ts";
import { type IntentContext, writeDownIntent } from "./launch-intent.ts";
import {
  cloneDirectory,
  epochsIn,
  handleOf,
  type Instance,
  instanceDirectory,
  type Layout,
  loadInstance,
} from "./layout.ts";
import type { ShimReserve } from "./reserve.ts";
import { shimEnvironment } from "./shim-program.ts";
import { endSurvivors } from "./stop.ts";

/** A shim claims within a fraction of a second; on a machine that swaps it may take longer, and a repeat finds it then. */
const CLAIM_WAIT_MS = 20_000;
/** One from the reserve has only to read what it was given. What takes longer is ended, and started anew. */
const RESERVE_CLAIM_WAIT_MS = 5_000;
const SOCKET_WAIT_MS = 2_000;
const LOOK_MS_MIN = 2;
const LOOK_MS_MAX = 20;
/** Each look waits a little longer than the one before: what is found is found late by a twentieth of the time that it took. */
const LOOK_GROWTH = 1.1;
const SURVIVORS_SWEEP_MS = 2_000;

export interface LaunchContext extends IntentContext {
  /** Null: every launch starts a shim of its own. */
  readonly reserve: ShimReserve | null;
}

export async function launch(
  context: LaunchContext,
  request: StartRequest,
  signal: AbortSignal,
): Promise<InstanceHandle> {
  const { layout } = context;
  refuseWeakContainment(context.machine, request);
  refuseFenced(layout, request);
  const standing = loadInstance(layout, request.clone, request.epoch);
  if (standing !== null) {
    const handle = answerOf(standing, request);
    if (handle !== null) return handle;
  }
  await settleLowerEpochs(layout, request);
  await writeDownIntent(context, request);
  const instance = loadInstance(layout, request.clone, request.epoch);
  // Fenced and reaped between two lines of ours.
  if (instance === null) throw fenced(request, "its folder is gone");
  const handle = answerOf(instance, request);
  if (handle !== null) return handle;
  signal.throwIfAborted();
  if (instance.intent.resources !== undefined) createResourceGroups(instance.intent.resources);
  const reserved = await launchFromReserve(context, instance, { request, signal });
  if (reserved !== null) return reserved;
  const shim = await spawnShim(context, instance, request);
  return awaitClaim({ layout, instance, request, shim, signal });
}

/** Null when an ordinary start has to do it: there is no shim in reserve, or it has not become this instance, and is gone. */
async function launchFromReserve(
  { layout, reserve }: LaunchContext,
  instance: Instance,
  { request, signal }: { readonly request: StartRequest; readonly signal: AbortSignal },
): Promise<InstanceHandle | null> {
  const shim = reserve?.handOver(instance, settingsOf(request)) ?? null;
  if (reserve === null || shim === null) return null;
  try {
    const waitMs = RESERVE_CLAIM_WAIT_MS;
    const handle = await awaitClaim({ layout, instance, request, shim, signal, waitMs });
    reserve.worked();
    return handle;
  } catch (error) {
    if (!(error instanceof FactoryError) || !WITHOUT_CLAIM.has(error.code)) throw error;
    await reserve.failed(shim, error.message);
  }
  // It may have claimed with its last breath; then the epoch is its own.
  const claimed = loadInstance(layout, request.clone, request.epoch);
  return claimed === null ? null : answerOf(claimed, request);
}

const WITHOUT_CLAIM: ReadonlySet<string> = new Set(["driver/spawn", "driver/slow-start"]);

/** `fence` of the port: the number first, then whatever is not claimed. */
export function fenceEpochs(layout: Layout, clone: string, epoch: number): void {
  const directory = cloneDirectory(layout, clone);
  raiseFence(directory, epoch);
  for (const lower of epochsIn(layout, clone)) {
    if (lower <= epoch) claimFenced(instanceDirectory(layout, clone, lower));
  }
}

function refuseWeakContainment(machine: Machine, request: StartRequest): void {
  const offered = machine.capabilities.containment;
  if (CONTAINMENTS.indexOf(offered) >= CONTAINMENTS.indexOf(request.isolation)) return;
  throw new FactoryError(
    "driver/containment",
    "stall",
    `${request.clone} asks for isolation ${request.isolation}, this machine offers ${offered}: ${machine.capabilities.notes.join("; ")}`,
  );
}

function refuseFenced(layout: Layout, request: StartRequest): void {
  const fence = readFence(cloneDirectory(layout, request.clone));
  if (fence >= request.epoch) throw fenced(request, `epochs up to ${fence} are fenced`);
  const highest = epochsIn(layout, request.clone).at(-1) ?? 0;
  if (highest > request.epoch) throw fenced(request, `epoch ${highest} was seen`);
}

/** The first handle for a repeat; null when the epoch is still to be claimed. */
function answerOf(instance: Instance, request: StartRequest): InstanceHandle | null {
  if (instance.intent.nonce !== request.nonce) throw fenced(request, "another launch has this epoch");
  if (instance.claim === null) return null;
  if (instance.claim.fenced) throw fenced(request, "the epoch is fenced");
  return handleOf(instance);
}

/**
 * Two instances of a clone cannot live at once: everything below is fenced, and whatever was
 * claimed must be dead. Agents that outlived their shim are ended here; a shim that lives is not ours to end.
 */
async function settleLowerEpochs(layout: Layout, request: StartRequest): Promise<void> {
  fenceEpochs(layout, request.clone, request.epoch - 1);
  for (const epoch of epochsIn(layout, request.clone)) {
    if (epoch >= request.epoch) continue;
    const instance = loadInstance(layout, request.clone, epoch);
    if (instance?.claim == null || instance.claim.fenced) continue;
    const gone = !isShimAlive(instance.claim) && (await endSurvivors(instance, SURVIVORS_SWEEP_MS));
    if (!gone) {
      const message = `epoch ${epoch} of ${request.clone} still lives; epoch ${request.epoch} waits for its end`;
      throw new FactoryError("driver/alive", "retry", message);
    }
  }
}

/** In a session of its own, with files for its output: it must not notice when we die. Rejects `machine/shortage` or `driver/spawn`: it never ran. */
async function spawnShim(
  context: LaunchContext,
  instance: Instance,
  request: StartRequest,
): Promise<ChildProcess> {
  const { cgroup } = instance.intent.containment;
  if (cgroup !== null) createCgroup(cgroup);
  const command = [...context.shimCommand, instance.directory];
  const [program, ...args] = cgroup === null ? command : joining(join(cgroup, "shim"), command);
  const log = openSync(join(instance.directory, "shim.log"), "a", 0o600);
  try {
    const { child, failure } = startProgram(program ?? "false", args, {
      cwd: instance.directory,
      detached: true,
      stdio: ["pipe", log, log],
      env: shimEnvironment(context.layout, request.nonce),
    });
    if (child === null) {
      const why = await failure;
      refuseShortageOf(why);
      throw new FactoryError("driver/spawn", "retry", why.message);
    }
    child.stdin?.on("error", () => {}); // It went away; its exit says more.
    child.stdin?.end(JSON.stringify(settingsOf(request)));
    child.unref();
    return child;
  } finally {
    closeSync(log);
  }
}

export function settingsOf(request: StartRequest): LaunchSettings {
  return {
    version: 1,
    token: request.token,
    secrets: Object.fromEntries(request.secrets),
    callbackUrl: request.callbackUrl,
    heartbeatIntervalMs: request.heartbeatIntervalMs,
    agent: request.agent,
    healthChecks: request.healthChecks,
    orphanPolicy: request.orphanPolicy,
    ...(request.prices === undefined ? {} : { prices: request.prices }),
    ...(request.limits === undefined ? {} : { limits: request.limits }),
  };
}

async function awaitClaim(options: {
  readonly layout: Layout;
  readonly instance: Instance;
  readonly request: StartRequest;
  readonly shim: ChildProcess;
  readonly signal: AbortSignal;
  readonly waitMs?: number;
}): Promise<InstanceHandle> {
  const { layout, instance, request, shim, signal, waitMs = CLAIM_WAIT_MS } = options;
  const deadline = performance.now() + waitMs;
  for (
    let wait = LOOK_MS_MIN;
    performance.now() < deadline;
    wait = Math.min(wait * LOOK_GROWTH, LOOK_MS_MAX)
  ) {
    // The order counts: a claim made before the exit must be seen after it.
    const exited = shim.exitCode !== null || shim.signalCode !== null;
    if (readClaim(instance.directory) !== null) {
      const claimed = loadInstance(layout, request.clone, request.epoch);
      const handle = claimed === null ? null : answerOf(claimed, request);
      if (handle !== null) {
        await awaitSocket(instance, shim, signal);
        return handle;
      }
    }
    if (exited) refuseFenced(layout, request);
    if (exited)
      throw new FactoryError(
        "driver/spawn",
        "retry",
        `the shim ended before its claim: ${logTail(instance)}`,
      );
    await sleep(wait, undefined, { signal });
  }
  throw new FactoryError(
    "driver/slow-start",
    "retry",
    `no claim of ${request.clone}/${request.epoch} in ${waitMs} ms`,
  );
}

/** The shim listens some milliseconds after its claim; until then calls would find nobody. A shim that died is found out by the next look. */
async function awaitSocket(instance: Instance, shim: ChildProcess, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + SOCKET_WAIT_MS;
  while (!existsSync(instance.intent.socket) && performance.now() < deadline) {
    if (shim.exitCode !== null || shim.signalCode !== null) return;
    await sleep(LOOK_MS_MIN, undefined, { signal });
  }
}

function logTail(instance: Instance): string {
  try {
    return readFileSync(join(instance.directory, "shim.log"), "utf8").slice(-500).trim();
  } catch {
    return "no log";
  }
}

function fenced(request: StartRequest, why: string): FactoryError {
  return new FactoryError(
    "driver/fenced",
    "yield",
    `epoch ${request.epoch} of ${request.clone} cannot start: ${why}`,
  );
}
