/**
 * Walls around a scenario: mounts, processes and, where it asks for it, a network of its own. The kernel
 * takes all of it down with the first process, so that nothing of a scenario outlives it, however it ends.
 */
import { spawnSync } from "node:child_process";

export interface Walls {
  /** Command and arguments that go before the scenario's own; empty: this machine offers none. */
  readonly command: readonly string[];
  /** Why there are none, or fewer than asked for. */
  readonly missing: string | null;
}

const PROBE_MS = 10_000;
const NAMESPACES = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
/** An ordinary user becomes root of a user namespace first. */
const AS_USER = ["--user", "--map-root-user"];
/** The first process of a PID namespace has to bury the others' dead, which a shell does while it waits. */
const FIRST = ["sh", "-c", '"$@"; exit $?', "sh"];
const WITH_NETWORK = ["sh", "-c", 'ip link set lo up && "$@"; exit $?', "sh"];

/** Tries it out: what a kernel, a container or a policy allows is written nowhere. */
export function wallsFor(options: { readonly network: boolean }): Walls {
  const failures: string[] = [];
  for (const flags of [NAMESPACES, [...AS_USER, ...NAMESPACES]]) {
    const all = options.network ? [...flags, "--net"] : flags;
    const command = ["unshare", ...all, ...(options.network ? WITH_NETWORK : FIRST)];
    const [program = "", ...rest] = [...command, "true"];
    const { status, stderr, error } = spawnSync(program, rest, { timeout: PROBE_MS, encoding: "utf8" });
    if (status === 0) return { command, missing: null };
    failures.push(error?.message ?? stderr.trim());
  }
  return { command: [], missing: `no namespaces (${failures.at(-1)})` };
}

/** Set by the suite for the processes of a scenario; empty when the walls stand. */
export const WALLS_MISSING = "FACTORY_CHAOS_WALLS";

export function behindWalls(): boolean {
  return process.env[WALLS_MISSING] === "";
}
