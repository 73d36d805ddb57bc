/** What an agent may take of its machine. Each is absent where nobody limits it. */
export interface Resources {
  /** Thousandths of a processor. */
  readonly cpuMillis?: number;
  /** Memory of all its processes together. */
  readonly memoryMb?: number;
  /** Processes and threads of it that live at once. */
  readonly pids?: number;
  /** Files below its workspace. */
  readonly diskMb?: number;
}

export const RESOURCE_NAMES = ["cpuMillis", "memoryMb", "pids", "diskMb"] as const;
export type ResourceName = (typeof RESOURCE_NAMES)[number];

/** As the files spell them. */
export const RESOURCE_FIELDS = {
  cpuMillis: "cpu_millis",
  memoryMb: "memory_mb",
  pids: "pids",
  diskMb: "disk_mb",
} as const satisfies Record<ResourceName, string>;

export interface ResourceLimits extends Resources {
  /** Those that the clone's own file asks for: it is not started where they cannot be held. The others are the fleet's defaults. */
  readonly demanded: readonly ResourceName[];
}

/**
 * How a limit is held, best first.
 *
 * - `cgroup`: by the kernel, for all processes of the agent together.
 * - `rlimit`: by the kernel, for each process (memory) or for the whole user (processes): the second best.
 * - `watched`: by its shim, which looks from time to time and ends the agent that is beyond it.
 * - `none`: by nobody.
 */
export type ResourceHold = "cgroup" | "rlimit" | "watched" | "none";

/** What an agent was ended for. */
export interface Exceeded {
  readonly resource: "memory_mb" | "disk_mb";
  readonly limit: number;
  /** Null: the kernel does not say. */
  readonly used: number | null;
}

export function exceededText({ resource, limit, used }: Exceeded): string {
  return resource === "memory_mb"
    ? `out of memory: the kernel ended it at its limit of ${limit} MiB`
    : `its workspace holds ${used ?? "more than"} MiB of ${limit}`;
}
