/**
 * Instances whose folders are gone, found by what their processes carry: the shim names its folder as its last
 * argument, an agent has its clone, its epoch and a home below ours in its environment, and both have the marker.
 *
 * Nothing can be handed to such an instance any more, and nothing that it says can be believed: it can only be
 * ended. What changed both its arguments and its environment is not found here; its containment ends with its shim.
 */
import { readFileSync } from "node:fs";
import { basename, dirname, join, sep } from "node:path";
import { refuseShortage } from "../../../core/model/shortage.ts";
import { bootId, INSTANCE_MARKER, type ProcessId, scanProcesses } from "../../../instance/process-table.ts";
import { lastArgument } from "../../../instance/reserve.ts";
import { withSpare } from "../../../instance/spare-descriptors.ts";
import { cgroupFolderOf } from "./cgroup-mounts.ts";
import { clonesIn, epochsIn, type Instance, type Layout, loadInstance } from "./layout.ts";

interface Trace {
  readonly clone: string;
  readonly epoch: number;
  readonly nonce: string;
  /** The shim, if it is that. */
  readonly shim: ProcessId | null;
  readonly cgroup: string | null;
}

/** One per launch, as instances that the ladder can be climbed for. `places`: folders of this installation, ours among them. */
export function findOrphans(layout: Layout, places: readonly string[]): readonly Instance[] {
  const known = noncesOnDisk(layout);
  const found = new Map<string, Trace>();
  for (const row of scanProcesses().values()) {
    if (row.pid === process.pid) continue;
    const trace = traceOf(row, layout, places);
    if (trace === null || known.has(trace.nonce)) continue;
    const before = found.get(trace.nonce);
    // The shim knows most.
    if (before === undefined || (before.shim === null && trace.shim !== null)) found.set(trace.nonce, trace);
  }
  return [...found.values()]
    .map((trace) => asInstance(layout, trace))
    .sort((a, b) => (a.directory < b.directory ? -1 : 1));
}

function noncesOnDisk(layout: Layout): ReadonlySet<string> {
  const nonces = new Set<string>();
  for (const clone of clonesIn(layout)) {
    for (const epoch of epochsIn(layout, clone)) {
      const instance = loadInstance(layout, clone, epoch);
      if (instance !== null) nonces.add(instance.intent.nonce);
    }
  }
  return nonces;
}

function traceOf(row: ProcessId, layout: Layout, places: readonly string[]): Trace | null {
  const env = environmentOf(row.pid);
  const nonce = env.get(INSTANCE_MARKER);
  if (nonce === undefined || !NONCE.test(nonce)) return null;
  const folder = lastArgument(textOf(`/proc/${row.pid}/cmdline`));
  if (folder.startsWith(`${layout.directory}${sep}`)) {
    const [clone = "", epoch = ""] = folder.slice(layout.directory.length + 1).split(sep);
    if (clone === "" || !/^[1-9]\d{0,14}$/.test(epoch)) return null;
    const shim = { pid: row.pid, startTicks: row.startTicks };
    return { clone, epoch: Number(epoch), nonce, shim, cgroup: cgroupOf(row.pid, clone, epoch) };
  }
  const clone = env.get("FACTORY_CLONE") ?? "";
  const epoch = Number(env.get("FACTORY_EPOCH"));
  const home = env.get("HOME") ?? "";
  const ours = places.some((place) => home.startsWith(`${place}${sep}`));
  if (!ours || clone === "" || !Number.isSafeInteger(epoch) || epoch < 1) return null;
  return { clone, epoch, nonce, shim: null, cgroup: cgroupOf(row.pid, clone, String(epoch)) };
}

const NONCE = /^[0-9a-f]{16,64}$/;

function environmentOf(pid: number): ReadonlyMap<string, string> {
  return new Map(
    textOf(`/proc/${pid}/environ`)
      .split("\0")
      .map((entry) => {
        const at = entry.indexOf("=");
        return [entry.slice(0, at), entry.slice(at + 1)];
      }),
  );
}

function textOf(path: string): string {
  try {
    return withSpare(() => readFileSync(path, "utf8"));
  } catch (error) {
    refuseShortage(error, `${path} cannot be read`);
    return ""; // Gone meanwhile, or somebody else's.
  }
}

/** `…/<clone>.<epoch>.<nonce>`, above its `shim` or `agent`; null for a process that is in none of ours. */
function cgroupOf(pid: number, clone: string, epoch: string): string | null {
  for (let at = cgroupFolderOf(pid) ?? "/"; at.length > 1; at = dirname(at))
    if (basename(at).startsWith(`${clone}.${epoch}.`)) return at;
  return null;
}

function asInstance(layout: Layout, trace: Trace): Instance {
  const { clone, epoch, nonce, shim, cgroup } = trace;
  return {
    directory: join(layout.directory, clone, String(epoch)),
    intent: {
      version: 1,
      installation: layout.installation,
      clone,
      epoch,
      nonce,
      argvDigest: "",
      workspace: "",
      socket: "",
      containment: { kind: cgroup === null ? "group" : "cgroup", cgroup, pidns: null, deathSignal: false },
    },
    claim: shim === null ? null : { fenced: false, nonce, bootId: bootId(), shim },
  };
}
