/** Where things are: `<directory>/<clone>/<epoch>/` holds one instance; control sockets have a folder of their own (`socket-folder.ts`). */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { FactoryError } from "../../../core/model/error.ts";
import type { InstanceHandle } from "../../../core/model/instance.ts";
import { type Claim, type Intent, readClaim, readIntent } from "../../../instance/claim.ts";
import { readAgentRecord, type Target } from "../../../instance/containment.ts";
import { hasCode } from "../../../instance/files.ts";
import { bootId, type ProcessId } from "../../../instance/process-table.ts";
import { withSpare } from "../../../instance/spare-descriptors.ts";
import { socketFolder } from "./socket-folder.ts";

export const DRIVER_NAME = "process";

export interface Layout {
  readonly directory: string;
  readonly installation: string;
  /** Eight hex digits that stand for the directory in names outside of it. */
  readonly tag: string;
}

/** What the disk says about one instance. */
export interface Instance {
  readonly directory: string;
  readonly intent: Intent;
  readonly claim: Claim | null;
}

export function createLayout(directory: string, installation: string): Layout {
  const absolute = resolve(directory);
  mkdirSync(absolute, { recursive: true, mode: 0o700 });
  return { directory: absolute, installation, tag: digest(absolute).slice(0, 8) };
}

export function cloneDirectory(layout: Layout, clone: string): string {
  if (!CLONE_NAME.test(clone)) {
    throw new FactoryError("driver/name", "stall", `"${clone}" cannot be the name of a folder`);
  }
  return join(layout.directory, clone);
}

export function instanceDirectory(layout: Layout, clone: string, epoch: number): string {
  return join(cloneDirectory(layout, clone), String(epoch));
}

export function clonesIn(layout: Layout): readonly string[] {
  return namesIn(layout.directory).filter((name) => CLONE_NAME.test(name));
}

/** Ascending. */
export function epochsIn(layout: Layout, clone: string): readonly number[] {
  const names = namesIn(cloneDirectory(layout, clone)).filter((name) => /^[1-9]\d{0,14}$/.test(name));
  return names.map(Number).sort((a, b) => a - b);
}

/** Null when nothing was ever intended there. */
export function loadInstance(layout: Layout, clone: string, epoch: number): Instance | null {
  const directory = instanceDirectory(layout, clone, epoch);
  const intent = readIntent(directory);
  return intent === null ? null : { directory, intent, claim: readClaim(directory) };
}

/** The instance that the handle was made for; null when it was reaped, or another launch stands in its place. */
export function instanceOf(layout: Layout, handle: InstanceHandle): Instance | null {
  const instance = loadInstance(layout, handle.clone, handle.epoch);
  return instance !== null && instance.intent.nonce === handle.nonce ? instance : null;
}

/** The same; rejects `driver/unknown` (`yield`) where there is none. */
export function requiredInstance(layout: Layout, handle: InstanceHandle): Instance {
  const instance = instanceOf(layout, handle);
  if (instance !== null) return instance;
  const message = `no instance ${handle.clone}/${handle.epoch} of that launch`;
  throw new FactoryError("driver/unknown", "yield", message);
}

export function handleOf(instance: Instance): InstanceHandle {
  const { intent, claim } = instance;
  return {
    driver: DRIVER_NAME,
    clone: intent.clone,
    epoch: intent.epoch,
    nonce: intent.nonce,
    containment: intent.containment.kind,
    layers: layersOf(intent.containment),
    data: {
      directory: instance.directory,
      socket: intent.socket,
      cgroup: intent.containment.cgroup,
      ...(claim === null || claim.fenced ? {} : { bootId: claim.bootId, shim: claim.shim }),
    },
  };
}

function layersOf({ pidns, sandbox }: Intent["containment"]): readonly string[] {
  const layers = pidns === null ? [] : ["PID namespace"];
  if (sandbox == null) return layers;
  layers.push("bubblewrap");
  if (sandbox.user !== null) layers.push(`user ${sandbox.user}`);
  if (sandbox.scoped) layers.push("Landlock");
  if (sandbox.network === "none") layers.push("no network");
  return layers;
}

/** Where to look for its processes. Numbers from before a reboot name other processes now and are left out. */
export function targetOf(instance: Instance): Target {
  const { intent, claim } = instance;
  const current = claim !== null && !claim.fenced && claim.bootId === bootId();
  const shim: ProcessId | null = current ? claim.shim : null;
  return {
    nonce: intent.nonce,
    plan: intent.containment,
    shim,
    agent: current ? readAgentRecord(instance.directory) : null,
  };
}

export function socketPath(layout: Layout, nonce: string): string {
  return join(socketFolder(layout.directory), `${nonce.slice(0, 16)}.sock`);
}

const CLONE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,200}$/;

function namesIn(directory: string): readonly string[] {
  try {
    return withSpare(() => readdirSync(directory));
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
}

export function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
