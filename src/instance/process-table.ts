/**
 * What the operating system says about processes. A process is known by pid
 * *and* start time, because pids are used again; start times count from boot,
 * so a claim is only believed together with the boot id it was made under.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { ProcessState } from "../core/model/liveness.ts";
import { refuseShortage } from "../core/model/shortage.ts";
import { withSpare } from "./spare-descriptors.ts";

/** A process that cannot be mistaken for a later one with the same number, within one boot. */
export interface ProcessId {
  readonly pid: number;
  /** Clock ticks between boot and the start of the process. */
  readonly startTicks: number;
}

export interface ProcessRow extends ProcessId {
  readonly ppid: number;
  readonly pgid: number;
  readonly session: number;
  /** One letter of the kernel: R, S, D, T, t, Z, X, I. */
  readonly state: string;
  readonly threads: number;
}

/**
 * The row of a process that runs, sleeps or is stopped; null for one that is gone or only waits to be reaped. Throws
 * `machine/shortage`, as everything here that looks: for want of a descriptor nobody is taken for dead.
 */
export function readProcess(pid: number): ProcessRow | null {
  const text = readOf(pid, "stat");
  if (text === null) return null;
  const row = parseStat(pid, text);
  return row === null || isGone(row) ? null : row;
}

/** What has become of exactly this process. A stop by a tracer is not one: it goes on by itself. */
export function processState(id: ProcessId): ProcessState {
  const text = readOf(id.pid, "stat");
  if (text === null) return "gone";
  const row = parseStat(id.pid, text);
  if (row === null || row.startTicks !== id.startTicks) return "gone";
  if (isGone(row)) return "zombie";
  return row.state === "T" ? "stopped" : "running";
}

export function isAlive(id: ProcessId): boolean {
  return readProcess(id.pid)?.startTicks === id.startTicks;
}

/** Processor time that exactly this process has used; null when it is gone. */
export function cpuTicks(id: ProcessId): number | null {
  const text = readOf(id.pid, "stat");
  if (text === null || parseStat(id.pid, text)?.startTicks !== id.startTicks) return null;
  const fields = fieldsOf(text);
  return Number(fields[11]) + Number(fields[12]);
}

/** The caller's own identity. */
export function ownProcess(): ProcessId {
  const row = readProcess(process.pid);
  if (row === null) throw new Error("cannot read /proc/self/stat; the process driver needs Linux with /proc");
  return { pid: row.pid, startTicks: row.startTicks };
}

export function bootId(): string {
  return withSpare(() => readFileSync("/proc/sys/kernel/random/boot_id", "latin1")).trim();
}

/** Every living process, by pid. Not atomic: a fork during the scan may be missed, which is why proofs ask for two scans. */
export function scanProcesses(): ReadonlyMap<number, ProcessRow> {
  const rows = new Map<number, ProcessRow>();
  for (const entry of withSpare(() => readdirSync("/proc"))) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid <= 0) continue;
    const row = readProcess(pid);
    if (row !== null) rows.set(pid, row);
  }
  return rows;
}

/**
 * One look at all processes, for any number of questions about it. What the
 * table does not show is read when it is first asked for, and then kept.
 */
export interface Census {
  readonly rows: ReadonlyMap<number, ProcessRow>;
  /** Whether the process was started with `FACTORY_INSTANCE=<nonce>` and has not overwritten it; false when it may not be read. */
  carriesMarker(pid: number, nonce: string): boolean;
  namespaceOf(pid: number): string | null;
}

export function takeCensus(): Census {
  const rows = scanProcesses();
  const markers = new Map<number, readonly string[]>();
  const namespaces = new Map<number, string | null>();
  return {
    rows,
    carriesMarker(pid, nonce) {
      let found = markers.get(pid);
      if (found === undefined) {
        found = markersOf(pid);
        markers.set(pid, found);
      }
      return found.includes(nonce);
    },
    namespaceOf(pid) {
      let found = namespaces.get(pid);
      if (found === undefined) {
        found = pidNamespace(pid);
        namespaces.set(pid, found);
      }
      return found;
    },
  };
}

/** The given processes as far as they live, and everything below them. */
export function withDescendants(
  rows: ReadonlyMap<number, ProcessRow>,
  roots: readonly ProcessId[],
): ReadonlyMap<number, ProcessRow> {
  const children = new Map<number, ProcessRow[]>();
  for (const row of rows.values()) {
    const siblings = children.get(row.ppid);
    if (siblings === undefined) children.set(row.ppid, [row]);
    else siblings.push(row);
  }
  const found = new Map<number, ProcessRow>();
  const queue: ProcessRow[] = [];
  for (const root of roots) {
    const row = rows.get(root.pid);
    if (row !== undefined && row.startTicks === root.startTicks) queue.push(row);
  }
  for (let row = queue.pop(); row !== undefined; row = queue.pop()) {
    if (found.has(row.pid)) continue;
    found.set(row.pid, row);
    queue.push(...(children.get(row.pid) ?? []));
  }
  return found;
}

/** Values of the marker in its environment, of which there is one unless somebody played with it; none when it may not be read. */
function markersOf(pid: number): readonly string[] {
  const environ = readOf(pid, "environ");
  if (environ?.includes(`${INSTANCE_MARKER}=`) !== true) return [];
  const values = environ.split("\0").filter((entry) => entry.startsWith(`${INSTANCE_MARKER}=`));
  return values.map((entry) => entry.slice(INSTANCE_MARKER.length + 1));
}

/** A file of the process; null when it is gone, also between two looks, or when it may not be read. */
function readOf(pid: number, file: "stat" | "environ"): string | null {
  try {
    return withSpare(() => readFileSync(`/proc/${pid}/${file}`, "latin1"));
  } catch (error) {
    refuseShortage(error, `process ${pid} cannot be looked at`);
    return null;
  }
}

/** `pid:[4026532…]`, or null when it may not be read. Two processes with the same answer share a PID namespace. */
export function pidNamespace(pid: number | "self"): string | null {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return null;
  }
}

/** Sends a signal to exactly this process. True when it was sent. The gap between look and signal is a few microseconds, and pids are handed out in turn. */
export function signalProcess(id: ProcessId, signal: NodeJS.Signals): boolean {
  if (!isAlive(id)) return false;
  try {
    process.kill(id.pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** Every process of an instance is started with this variable; its value is the launch's nonce. */
export const INSTANCE_MARKER = "FACTORY_INSTANCE";

function parseStat(pid: number, text: string): ProcessRow | null {
  const fields = fieldsOf(text);
  const startTicks = Number(fields[19]);
  if (fields.length < 20 || !Number.isFinite(startTicks)) return null;
  return {
    pid,
    state: fields[0] ?? "?",
    ppid: Number(fields[1]),
    pgid: Number(fields[2]),
    session: Number(fields[3]),
    threads: Number(fields[17]),
    startTicks,
  };
}

/** The name in parentheses may hold spaces and parentheses itself: fields count from the last one. */
function fieldsOf(text: string): readonly string[] {
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

/** A zombie with more than one thread has only lost its first thread and still runs. */
function isGone(row: ProcessRow): boolean {
  return (row.state === "Z" || row.state === "X") && row.threads <= 1;
}
