/**
 * Limits on what an agent takes of its machine: decided by the driver, carried out around the agent's first process.
 *
 * Control groups of version 1 are one tree per controller, so the agent joins a group in each. Of version 2 there is
 * one group, that of the containment, and the limits are written into it. Where neither can be had `prlimit` takes their place:
 * memory is then limited for each process by itself, and processes for the whole user, and the driver says so.
 */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ResourceHold, ResourceLimits, ResourceName } from "../core/model/resources.ts";

/** On disk with the intent: what is held for one instance, and how. */
export interface ResourcePlan {
  readonly limits: ResourceLimits;
  readonly held: Readonly<Record<ResourceName, ResourceHold>>;
  readonly groups: readonly ResourceGroup[];
}

export interface ResourceGroup {
  readonly version: 1 | 2;
  readonly controller: Controller;
  /** The group's folder. */
  readonly path: string;
}

export type Controller = "memory" | "pids" | "cpu";
export const CONTROLLERS = ["memory", "pids", "cpu"] as const satisfies readonly Controller[];

const MIB = 1024 * 1024;
/** The scheduler's own period. */
const CPU_PERIOD_US = 100_000;

/** Makes the groups and writes the limits into them. Throws where the kernel refuses: then nothing may be started. */
export function createResourceGroups({ groups, limits }: ResourcePlan): void {
  for (const group of groups) {
    mkdirSync(group.path, { recursive: true, mode: 0o755 });
    // Below a group of version 2 a controller is there when the group above hands it on.
    if (group.version === 2)
      writeFileSync(join(dirname(group.path), "cgroup.subtree_control"), `+${group.controller}`);
    for (const [file, value] of settingsOf(group, limits)) writeFileSync(join(group.path, file), value);
  }
}

/** A setting that a kernel need not have is left out where it has none. */
function settingsOf(
  { version, controller, path }: ResourceGroup,
  { memoryMb, pids, cpuMillis }: ResourceLimits,
): readonly (readonly [string, string])[] {
  const ifThere = (file: string, value: string): (readonly [string, string])[] =>
    existsSync(join(path, file)) ? [[file, value]] : [];
  switch (controller) {
    case "memory": {
      const bytes = String((memoryMb ?? 0) * MIB);
      if (version === 1)
        return [["memory.limit_in_bytes", bytes], ...ifThere("memory.memsw.limit_in_bytes", bytes)];
      // Half of an agent is of no use: all of it goes, and is told as one thing.
      return [["memory.max", bytes], ...ifThere("memory.swap.max", "0"), ...ifThere("memory.oom.group", "1")];
    }
    case "pids":
      return [["pids.max", String(pids ?? 0)]];
    case "cpu": {
      const quota = String(Math.max(1_000, Math.round(((cpuMillis ?? 0) * CPU_PERIOD_US) / 1_000)));
      return version === 1
        ? [
            ["cpu.cfs_period_us", String(CPU_PERIOD_US)],
            ["cpu.cfs_quota_us", quota],
          ]
        : [["cpu.max", `${quota} ${CPU_PERIOD_US}`]];
    }
  }
}

/** The command line that runs `argv` within its limits, from its first instruction on. */
export function limitedCommand(plan: ResourcePlan | undefined, argv: readonly string[]): readonly string[] {
  if (plan === undefined) return argv;
  const { limits, held } = plan;
  const options = [
    ...(held.memoryMb === "rlimit" ? [`--data=${(limits.memoryMb ?? 0) * MIB}`] : []),
    ...(held.pids === "rlimit" ? [`--nproc=${limits.pids}`] : []),
  ];
  const limited = options.length === 0 ? argv : ["prlimit", ...options, "--", ...argv];
  // A group of version 2 is the containment's, which is joined there.
  const files = plan.groups
    .filter(({ version }) => version === 1)
    .map(({ path }) => join(path, "cgroup.procs"));
  if (files.length === 0) return limited;
  return ["sh", "-c", JOIN_SCRIPT, "factory-limits", String(files.length), ...files, ...limited];
}

// Who cannot join does not run: a limit that was promised is not left out.
const JOIN_SCRIPT =
  'factory_n=$1; shift; while [ "$factory_n" -gt 0 ]; do echo 0 > "$1" || exit 125; shift; ' +
  'factory_n=$((factory_n-1)); done; unset factory_n; exec "$@"';

/** How often the kernel has ended a process of it for its memory; 0 where nobody counts. */
export function outOfMemoryKills(plan: ResourcePlan | undefined): number {
  const group = plan?.groups.find(({ controller }) => controller === "memory");
  if (group === undefined) return 0;
  const file = join(group.path, group.version === 1 ? "memory.oom_control" : "memory.events");
  try {
    return Number(/^oom_kill (\d+)$/m.exec(readFileSync(file, "latin1"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Forgets the groups of a dead instance; what is not empty stays, and can be removed later. */
export function removeResourceGroups(plan: ResourcePlan | undefined): void {
  for (const { version, path } of plan?.groups ?? []) {
    if (version === 2) continue; // The containment's own.
    for (const folder of [path, dirname(path)]) {
      try {
        rmdirSync(folder);
      } catch {
        // Has a process that is being torn down, or the group of another instance, or is gone already.
      }
    }
  }
}
