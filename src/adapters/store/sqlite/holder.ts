/** Who keeps a database for itself, as the kernel tells it: SQLite says only that somebody does. */
import { readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";

export interface Holder {
  readonly pid: number;
  /** `stopped`: by a signal, as by Ctrl-Z. `traced`: a debugger has it. Both hold the file and do nothing. */
  readonly state: "running" | "stopped" | "traced";
  /** When the database or its log was last written; ISO 8601. */
  readonly wroteAt: string;
}

/** The process with a lock on the file. Null where the kernel does not say, as for one in another PID namespace. */
export function holderOf(file: string): Holder | null {
  try {
    const path = realpathSync(file);
    const { ino } = statSync(path);
    const pid = lockedBy(ino).find((one) => hasOpen(one, path));
    return pid === undefined ? null : { pid, state: stateOf(pid), wroteAt: wroteAt(path) };
  } catch {
    return null; // It went between two looks, or there is no /proc.
  }
}

/** Whether a process has a lock on the file, or still works on one that was removed from there; true where nobody can tell. */
export function isHeld(file: string): boolean {
  try {
    const { ino } = statSync(realpathSync(file));
    return lockedBy(ino).length > 0 || formerHolderOf(file) !== null;
  } catch {
    return true; // It is not there, or there is no /proc.
  }
}

/**
 * The process that has a database open which was removed or replaced since: it locks nobody out, and goes on giving orders.
 * Null where there is none, or the kernel does not say.
 */
export function formerHolderOf(file: string): number | null {
  try {
    const gone = `${realpathSync(dirname(file))}/${basename(file)} (deleted)`;
    const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    const found = pids.map(Number).find((pid) => pid !== process.pid && hasOpen(pid, gone));
    return found ?? null;
  } catch {
    return null; // There is no /proc.
  }
}

/** What a person is told, and what they can do about it. */
export function lockedText(file: string, holder: Holder | null): string {
  if (holder === null) return `another controller holds the store ${file}`;
  const { pid, state, wroteAt: at } = holder;
  if (state === "running")
    return `another controller, process ${pid}, holds the store ${file}; it last wrote to it at ${at}`;
  const how = state === "stopped" ? "stopped by a signal (state T)" : "stopped by a debugger (state t)";
  return (
    `another controller, process ${pid}, holds the store ${file} and is ${how}: nothing was written since ${at}. ` +
    `Its clones live on. \`kill -CONT ${pid}\` lets it go on; or end it with \`kill -KILL ${pid}\` and start again: ` +
    "the next controller adopts the instances that live"
  );
}

/** Lines are `1: POSIX  ADVISORY  WRITE 4711 fe:00:1234 1073741824 1073742335`; of one that waits, `1: -> POSIX …`. */
function lockedBy(inode: number): readonly number[] {
  return readFileSync("/proc/locks", "latin1")
    .split("\n")
    .map((line) => line.split(/\s+/))
    .filter((fields) => fields[1] !== "->" && Number(fields[5]?.split(":")[2]) === inode)
    .map((fields) => Number(fields[4]))
    .filter((pid) => pid > 0);
}

/** Numbers of files are used on every file system anew. */
function hasOpen(pid: number, path: string): boolean {
  const folder = `/proc/${pid}/fd`;
  return entriesOf(folder).some((fd) => {
    try {
      return readlinkSync(`${folder}/${fd}`) === path;
    } catch {
      return false; // Closed meanwhile.
    }
  });
}

/** None of a process that is gone, or is somebody else's. */
function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function stateOf(pid: number): Holder["state"] {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  // The name in parentheses may hold anything: what counts comes after the last one.
  const letter = stat.slice(stat.lastIndexOf(")") + 2)[0];
  if (letter === "T") return "stopped";
  return letter === "t" ? "traced" : "running";
}

function wroteAt(path: string): string {
  const times = [path, `${path}-wal`].map((one) => statSync(one, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  return new Date(Math.max(...times)).toISOString();
}
