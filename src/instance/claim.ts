/**
 * Who owns an epoch of a clone. Everything about "at most one instance" rests
 * on two files in the clone's folder:
 *
 * - `<epoch>/claim.json` appears once and never changes. Either a shim made it,
 *   and then that shim is the instance, or a fence made it, and then there never is one.
 * - `fence-<epoch>` names the highest fenced epoch. It only grows and outlives the
 *   epochs' folders, so that a shim that comes up after its folder was reaped still finds it.
 *
 * A shim reads the fence *before* it claims; a fence writes its number *before*
 * it claims what is unclaimed. Whatever the order of the steps, one of them loses.
 */
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Containment } from "../core/model/instance.ts";
import type { SwitchSubject } from "../core/model/kill-switch.ts";
import { createFileOnce, hasCode, isRecord, readJson } from "./files.ts";
import { bootId, isAlive, ownProcess, type ProcessId } from "./process-table.ts";
import type { ResourcePlan } from "./resource-limits.ts";
import type { SandboxPlan } from "./sandbox.ts";
import { withSpare } from "./spare-descriptors.ts";

/** What a driver intends to launch, on disk before anything is spawned. Holds no secret, no token and no argument. */
export interface Intent {
  readonly version: 1;
  /** Ownership label: what carries another installation's name is not ours. */
  readonly installation: string;
  readonly clone: string;
  readonly epoch: number;
  readonly nonce: string;
  /** sha256 over the agent's command, to tell what was launched without showing it. */
  readonly argvDigest: string;
  readonly workspace: string;
  /** Control socket: short, because the system allows 107 bytes. */
  readonly socket: string;
  readonly containment: ContainmentPlan;
  /** Its shim lets a controller prove itself before it says anything. Absent from older drivers, whose shims speak HTTP to 127.0.0.1. */
  readonly callback?: "proven";
  /** What the agent may take of its machine, and how that is held; absent where nothing is limited. */
  readonly resources?: ResourcePlan;
  /** What the kill switch knows this instance by; absent where that was not said, and from older drivers. */
  readonly subject?: SwitchSubject;
  /** The file of the kill switch, and what this instance is known by there. Absent where nobody watches one. */
  readonly killSwitch?: { readonly file: string; readonly subject: SwitchSubject };
}

/** How the processes of one instance are held together; decided by the driver, carried out by the shim. */
export interface ContainmentPlan {
  readonly kind: Containment;
  /** The instance's cgroup with its children `shim` and `agent`. */
  readonly cgroup: string | null;
  /** Options of the PID namespace in which the agent runs. */
  readonly pidns: {
    readonly user: boolean;
    readonly mountProc: boolean;
    /** Folders that are empty for the agent, the workspace excepted. Absent where that cannot be had. */
    readonly hides?: readonly string[];
  } | null;
  /** What the agent sees of the machine, and as whom it runs. Absent or null where bubblewrap cannot be had. */
  readonly sandbox?: SandboxPlan | null;
  /** Whether `setpriv --pdeathsig` ties the agent's first process to the shim. */
  readonly deathSignal: boolean;
}

export type Claim =
  | { readonly fenced: true }
  | { readonly fenced: false; readonly nonce: string; readonly bootId: string; readonly shim: ProcessId };

/** The calling process becomes the instance, or learns that it must not. */
export function claimEpoch(instanceDirectory: string, intent: Intent): "claimed" | "fenced" | "taken" {
  if (intent.epoch <= readFence(join(instanceDirectory, ".."))) return "fenced";
  const claim: Claim = { fenced: false, nonce: intent.nonce, bootId: bootId(), shim: ownProcess() };
  if (createFileOnce(claimPath(instanceDirectory), `${JSON.stringify(claim)}\n`)) return "claimed";
  return "taken";
}

/** Claims the epoch for nobody. False when a shim was first. */
export function claimFenced(instanceDirectory: string): boolean {
  const standing = readClaim(instanceDirectory);
  // What stands never changes; a disk that takes no further file must not keep us from ending it.
  if (standing !== null) return standing.fenced;
  createFileOnce(claimPath(instanceDirectory), `${JSON.stringify({ fenced: true } satisfies Claim)}\n`);
  return readClaim(instanceDirectory)?.fenced === true;
}

/** The highest epoch that was fenced; 0 when none was. */
export function readFence(cloneDirectory: string): number {
  let fence = 0;
  for (const name of namesIn(cloneDirectory)) {
    const epoch = FENCE_NAME.exec(name)?.[1];
    if (epoch !== undefined) fence = Math.max(fence, Number(epoch));
  }
  return fence;
}

/**
 * Raises the fence; never lowers it, whoever else writes at the same moment:
 * a fence is a file of its own, and only files below a higher one are removed. Durable on return.
 */
export function raiseFence(cloneDirectory: string, epoch: number): void {
  mkdirSync(cloneDirectory, { recursive: true, mode: 0o700 });
  if (readFence(cloneDirectory) >= epoch) return;
  createFileOnce(join(cloneDirectory, `fence-${epoch}`), "");
  for (const name of namesIn(cloneDirectory)) {
    const lower = FENCE_NAME.exec(name)?.[1];
    if (lower !== undefined && Number(lower) < epoch) rmSync(join(cloneDirectory, name), { force: true });
  }
}

export function readIntent(instanceDirectory: string): Intent | null {
  const intent = readJson(join(instanceDirectory, "intent.json"));
  if (intent === null) return null;
  if (!isIntent(intent)) throw new Error(`${instanceDirectory}/intent.json is not an intent of version 1`);
  return intent;
}

export function readClaim(instanceDirectory: string): Claim | null {
  const claim = readJson(claimPath(instanceDirectory));
  if (claim === null) return null;
  if (!isClaim(claim)) throw new Error(`${instanceDirectory}/claim.json is not a claim`);
  return claim;
}

/** Whether the shim that made the claim still lives, on this boot. */
export function isShimAlive(claim: Claim): boolean {
  return !claim.fenced && claim.bootId === bootId() && isAlive(claim.shim);
}

const FENCE_NAME = /^fence-(\d+)$/;

function namesIn(directory: string): readonly string[] {
  try {
    return withSpare(() => readdirSync(directory));
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
}

function claimPath(instanceDirectory: string): string {
  return join(instanceDirectory, "claim.json");
}

function isIntent(value: unknown): value is Intent {
  return (
    isRecord(value) &&
    value["version"] === 1 &&
    typeof value["clone"] === "string" &&
    typeof value["epoch"] === "number" &&
    typeof value["nonce"] === "string" &&
    typeof value["installation"] === "string" &&
    typeof value["socket"] === "string" &&
    typeof value["workspace"] === "string" &&
    isRecord(value["containment"])
  );
}

function isClaim(value: unknown): value is Claim {
  if (!isRecord(value)) return false;
  if (value["fenced"] === true) return true;
  const shim = value["shim"];
  return (
    typeof value["nonce"] === "string" &&
    typeof value["bootId"] === "string" &&
    isRecord(shim) &&
    typeof shim["pid"] === "number" &&
    typeof shim["startTicks"] === "number"
  );
}
