/**
 * Holding an instance's processes together, freezing and ending them.
 *
 * The layers, as far as the machine offers them: a cgroup per instance (killed,
 * frozen and listed as a whole), a PID namespace for the agent (its first process
 * dies with the shim, and all others die with it; the agent cannot even name a
 * process outside), and the death signal that ties the namespace to the shim.
 * Without both, what remains is the agent's session, the process tree and the
 * marker in the environment.
 *
 * Where a mount namespace can be had as well, the record, the keys and the other
 * clones' folders are empty for the agent (`hides`): it sees its own workspace there and nothing
 * else, and it has no capability, root's agent included, with which to undo that.
 *
 * What no layer prevents: the agent runs as the user of the shim and can read and write
 * that user's other files. Without `hides`, the instance's folder is among them. Fencing
 * and proof of death do not rest on the agent's good will.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { refuseShortage } from "../core/model/shortage.ts";
import type { ContainmentPlan } from "./claim.ts";
import { isRecord, readJson, writeFileDurably } from "./files.ts";
import {
  type Census,
  type ProcessId,
  type ProcessRow,
  pidNamespace,
  readProcess,
  scanProcesses,
  takeCensus,
  withDescendants,
} from "./process-table.ts";
import { INIT_SCRIPT, sandboxed } from "./sandbox.ts";
import { withSpare } from "./spare-descriptors.ts";

/** What was recorded about a spawned agent, for whoever has to end it without the shim. */
export interface AgentRecord {
  /** The process that the shim spawned: leader of the agent's session, outside of the namespace. */
  readonly outer: ProcessId;
  /** First process of the PID namespace, seen from outside; null without one. */
  readonly init: ProcessId | null;
  /** `pid:[…]` of that namespace. */
  readonly namespace: string | null;
}

/** Where to look for the processes of one instance. */
export interface Target {
  readonly nonce: string;
  readonly plan: ContainmentPlan;
  readonly shim: ProcessId | null;
  readonly agent: AgentRecord | null;
}

/**
 * The command line that runs `argv` inside the plan. In a PID namespace a small
 * shell is the first process: it reaps orphans, and a program that never
 * installed a handler can still be ended by SIGTERM, which it could not as process 1.
 *
 * `gated`: that shell, with everything around the program in place, waits for a line on descriptor 3 before it
 * runs it, and goes away when the descriptor is closed without one. Only where there is such a shell (`pidns`).
 */
export function containedCommand(
  plan: ContainmentPlan,
  argv: readonly string[],
  how: { readonly gated?: boolean; readonly workspace: string },
): readonly [string, ...string[]] {
  const script = how.gated === true ? GATE_SCRIPT + INIT_SCRIPT : INIT_SCRIPT;
  const { workspace } = how;
  let command = [...argv];
  if (plan.sandbox != null) command = sandboxed(plan.sandbox, { workspace, argv, script });
  else if (plan.pidns !== null) command = inNamespaces(plan.pidns, script, command);
  if (plan.deathSignal) command = ["setpriv", "--pdeathsig", "KILL", "--", ...command];
  if (plan.cgroup !== null) command = joining(join(plan.cgroup, "agent"), command);
  return command as [string, ...string[]];
}

/** For machines without bubblewrap. */
function inNamespaces(
  { user, mountProc, hides }: NonNullable<ContainmentPlan["pidns"]>,
  script: string,
  argv: readonly string[],
): string[] {
  const options = ["--pid", "--fork", "--kill-child"];
  if (user) options.unshift("--user", hides === undefined ? "--map-current-user" : "--map-root-user");
  if (mountProc || hides !== undefined) options.push("--mount");
  if (mountProc) options.push("--mount-proc");
  const first = hides === undefined ? [script, "factory-init"] : veiled(hides, script);
  return ["unshare", ...options, "--", "sh", "-c", ...first, ...argv];
}

/**
 * The first process covers each folder with an empty one, puts the workspace back in its
 * place, and gives up what it needed for that: the agent gets a user namespace of its own,
 * in which it has its number and no power over the mounts.
 */
function veiled(hides: readonly string[], start: string): string[] {
  const uid = String(process.getuid?.() ?? 0);
  const gid = String(process.getgid?.() ?? 0);
  const own = ["unshare", "--user", `--map-user=${uid}`, `--map-group=${gid}`, "--"];
  return [VEIL_SCRIPT + start, "factory-init", String(hides.length), ...hides, ...own];
}

/** The command line that runs `argv` as a member of the cgroup, from its first instruction on. */
export function joining(cgroup: string, argv: readonly string[]): string[] {
  return ["sh", "-c", JOIN_SCRIPT, join(cgroup, "cgroup.procs"), ...argv];
}

// Names that no declared variable has: a shell hands on what it was given, with the value that it has by then.
const GATE_SCRIPT = "read -r factory_go <&3 || exit 125; ";
// `.` stays the workspace while its path is covered; -c keeps mount from looking the path up again.
const VEIL_SCRIPT =
  'factory_ws=$(pwd -P) || exit 125; factory_n=$1; shift; while [ "$factory_n" -gt 0 ]; do ' +
  'mount -n -t tmpfs -o mode=0755,size=256k tmpfs "$1" || exit 125; shift; factory_n=$((factory_n-1)); done; ' +
  'mkdir -p "$factory_ws" && mount -n -c --bind . "$factory_ws" && cd "$factory_ws" || exit 125; ';
const JOIN_SCRIPT = 'echo 0 > "$0" && exec "$@"';

export function createCgroup(path: string): void {
  for (const child of ["shim", "agent"]) mkdirSync(join(path, child), { recursive: true, mode: 0o755 });
}

/** Removes the group and those below; what is not empty stays and can be removed later. */
export function removeCgroup(path: string): void {
  for (const child of childGroups(path)) removeCgroup(child);
  removeGroupIfEmpty(path);
}

export function removeGroupIfEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Has a group or a process that is being torn down, or is gone already.
  }
}

/** Kills every process of the group and of the groups below it, forks in flight included. */
export function killCgroup(path: string): void {
  writeControl(join(path, "cgroup.kill"), "1");
}

/** Everything of the instance that lives, however it is found. One look; not atomic. A census of many questions must be newer than what it is to prove. */
export function findMembers(target: Target, census: Census = takeCensus()): readonly ProcessRow[] {
  const { rows } = census;
  const found = new Map(membersByTree(rows, target));
  if (target.plan.cgroup !== null) {
    for (const pid of pidsOfCgroup(target.plan.cgroup)) {
      const row = rows.get(pid) ?? readProcess(pid);
      if (row !== null) found.set(pid, row);
    }
  }
  // The kernel numbers namespaces anew, so a number counts only while its first process lives.
  const init = target.agent?.init ?? null;
  const initLives = init !== null && rows.get(init.pid)?.startTicks === init.startTicks;
  const namespace = initLives ? (target.agent?.namespace ?? null) : null;
  for (const row of rows.values()) {
    if (found.has(row.pid) || row.pid === process.pid) continue;
    const inside = namespace !== null && census.namespaceOf(row.pid) === namespace;
    if (inside || census.carriesMarker(row.pid, target.nonce)) found.set(row.pid, row);
  }
  return [...found.values()];
}

/** The agent's part of what lives: everything but the shim itself. */
export function findAgentMembers(target: Target): readonly ProcessRow[] {
  return findMembers(target).filter(
    (row) => !(row.pid === target.shim?.pid && row.startTicks === target.shim.startTicks),
  );
}

export function readAgentRecord(instanceDirectory: string): AgentRecord | null {
  const record = readJson(join(instanceDirectory, "agent.json"));
  if (!isRecord(record) || !isProcessId(record["outer"])) return null;
  return {
    outer: record["outer"],
    init: isProcessId(record["init"]) ? record["init"] : null,
    namespace: typeof record["namespace"] === "string" ? record["namespace"] : null,
  };
}

export function writeAgentRecord(instanceDirectory: string, record: AgentRecord): void {
  writeFileDurably(join(instanceDirectory, "agent.json"), `${JSON.stringify(record)}\n`);
}

/** First process of the namespace that `outer` opened, once it is there. */
export function findInit(outer: ProcessId): { readonly init: ProcessId; readonly namespace: string } | null {
  const own = pidNamespace("self");
  for (const pid of childrenOf(outer)) {
    const namespace = pidNamespace(pid);
    const row = readProcess(pid);
    if (row === null || namespace === null || namespace === own) continue;
    return { init: { pid: row.pid, startTicks: row.startTicks }, namespace };
  }
  return null;
}

export function childrenOf(parent: ProcessId): readonly number[] {
  try {
    const text = withSpare(() => readFileSync(`/proc/${parent.pid}/task/${parent.pid}/children`, "latin1"));
    return text.split(" ").filter(Boolean).map(Number);
  } catch {
    // A kernel without that file: look at everything.
    return [...scanProcesses().values()].filter((row) => row.ppid === parent.pid).map((row) => row.pid);
  }
}

export function pidsOfCgroup(path: string, depth = 0): readonly number[] {
  if (depth > CGROUP_DEPTH_MAX) return [];
  const pids: number[] = [];
  try {
    for (const line of withSpare(() => readFileSync(join(path, "cgroup.procs"), "latin1")).split("\n")) {
      // A zero is a process of another namespace, which cannot be one of ours.
      if (line !== "" && line !== "0") pids.push(Number(line));
    }
  } catch (error) {
    refuseShortage(error, `${path} cannot be looked at`);
    return pids; // No such group: nothing in it.
  }
  for (const child of childGroups(path)) pids.push(...pidsOfCgroup(child, depth + 1));
  return pids;
}

const CGROUP_DEPTH_MAX = 16;

/** The kernel's own word on whether anything lives in the group or below; null without a group. */
export function isPopulated(path: string): boolean | null {
  try {
    return /^populated 1$/m.test(withSpare(() => readFileSync(join(path, "cgroup.events"), "latin1")));
  } catch (error) {
    refuseShortage(error, `${path} cannot be looked at`);
    return existsSync(path) ? true : null;
  }
}

function membersByTree(
  rows: ReadonlyMap<number, ProcessRow>,
  target: Target,
): ReadonlyMap<number, ProcessRow> {
  const roots: ProcessId[] = [];
  if (target.shim !== null) roots.push(target.shim);
  const agent = target.agent;
  if (agent === null) return withDescendants(rows, roots);
  roots.push(agent.outer);
  if (agent.init !== null) roots.push(agent.init);
  // A session's number is not given to another process while the session has members. If
  // its leader lives with another start time, the number was used again after all had gone.
  const leader = rows.get(agent.outer.pid);
  if (leader === undefined || leader.startTicks === agent.outer.startTicks) {
    for (const row of rows.values()) {
      if (row.session === agent.outer.pid && row.startTicks >= agent.outer.startTicks) roots.push(row);
    }
  }
  return withDescendants(rows, roots);
}

function childGroups(path: string): readonly string[] {
  try {
    const entries = withSpare(() => readdirSync(path, { withFileTypes: true }));
    return entries.filter((entry) => entry.isDirectory()).map((entry) => join(path, entry.name));
  } catch (error) {
    refuseShortage(error, `${path} cannot be looked at`);
    return [];
  }
}

function writeControl(path: string, value: string): boolean {
  try {
    withSpare(() => writeFileSync(path, value));
    return true;
  } catch {
    return false;
  }
}

function isProcessId(value: unknown): value is ProcessId {
  return isRecord(value) && typeof value["pid"] === "number" && typeof value["startTicks"] === "number";
}
