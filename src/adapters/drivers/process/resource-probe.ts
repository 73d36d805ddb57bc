/**
 * Finds out which limits this machine can hold, by doing it: a group is made, gets a limit, and a process joins it.
 * Where the hierarchies are mounted and which group is ours stands in /proc.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { FactoryError } from "../../../core/model/error.ts";
import {
  RESOURCE_FIELDS,
  RESOURCE_NAMES,
  type ResourceHold,
  type ResourceLimits,
  type ResourceName,
} from "../../../core/model/resources.ts";
import { refuseShortage } from "../../../core/model/shortage.ts";
import {
  CONTROLLERS,
  type Controller,
  createResourceGroups,
  limitedCommand,
  type ResourceGroup,
  type ResourcePlan,
  removeResourceGroups,
} from "../../../instance/resource-limits.ts";

/** What can be held here. */
export interface ResourceMachine {
  readonly controllers: Readonly<Partial<Record<Controller, ControllerPlace>>>;
  readonly rlimits: boolean;
  /** Of root a limit on processes by user means nothing. */
  readonly root: boolean;
  readonly notes: readonly string[];
}

export interface ControllerPlace {
  readonly version: 1 | 2;
  /** Of version 1: the folder for the instances' groups. Of version 2: that of the containment's. */
  readonly parent: string;
  /** Where the hierarchy is mounted: root's agent must not find its way out there. */
  readonly point: string;
}

/** Of a machine that was not looked at: nothing is held. */
export const NO_RESOURCES: ResourceMachine = { controllers: {}, rlimits: false, root: true, notes: [] };

const CONTROLLER_OF = { memoryMb: "memory", pids: "pids", cpuMillis: "cpu" } as const;
const TRIAL_MS = 5_000;
/** Enough for a shell, and far from what a limit would be. */
const TRIAL_LIMITS: ResourceLimits = { memoryMb: 256, pids: 64, cpuMillis: 1_000, demanded: [] };
const NOT_HELD = { cpuMillis: "none", memoryMb: "none", pids: "none", diskMb: "watched" } as const;

export function probeResources(tag: string, cgroup: string | null, proc = "/proc/self"): ResourceMachine {
  const places = hierarchies(readOr(join(proc, "mountinfo")), readOr(join(proc, "cgroup")));
  const controllers: Partial<Record<Controller, ControllerPlace>> = {};
  const notes: string[] = [];
  for (const controller of CONTROLLERS) {
    const candidates: readonly ControllerPlace[] = [
      ...(cgroup !== null && delegates(cgroup, controller)
        ? [{ version: 2 as const, parent: cgroup, point: cgroup }]
        : []),
      ...(places.get(controller) ?? []).map(({ base, point }) => ({
        version: 1 as const,
        parent: join(base, `factory-${tag}`),
        point,
      })),
    ];
    const found = candidates.find((place) => place.version === 2 || holds(controller, place));
    if (found !== undefined) controllers[controller] = found;
    notes.push(
      found === undefined
        ? `${controller}: no cgroup of this controller can be made here`
        : `${controller}: limited by a cgroup (version ${found.version}, ${found.parent})`,
    );
  }
  const root = process.getuid?.() === 0;
  const rlimits = works("prlimit", ["--data=268435456", "--", "true"]);
  if (rlimits && controllers.memory === undefined)
    notes.push("memory: limited by RLIMIT_DATA, for each process by itself, which is the second best");
  if (controllers.pids === undefined && rlimits && !root)
    notes.push("pids: limited by RLIMIT_NPROC, for all processes of the user, which is the second best");
  notes.push("disk: the workspace's size is looked at by the shim; between two looks it may grow beyond");
  return { controllers, rlimits, root, notes };
}

/** Null: nothing is limited. Throws `driver/resources` for what the clone's own file demands and nobody holds here. */
export function planResources(
  machine: ResourceMachine,
  limits: ResourceLimits | undefined,
  {
    clone,
    group,
    cgroup,
  }: { readonly clone: string; readonly group: string; readonly cgroup: string | null },
): ResourcePlan | null {
  const named = RESOURCE_NAMES.filter((name) => limits?.[name] !== undefined);
  if (limits === undefined || named.length === 0) return null;
  const held: Record<ResourceName, ResourceHold> = { ...NOT_HELD };
  const groups: ResourceGroup[] = [];
  for (const name of named) {
    held[name] = holdOf(machine, name);
    if (held[name] !== "cgroup" || name === "diskMb") continue;
    const controller = CONTROLLER_OF[name];
    const place = machine.controllers[controller];
    if (place === undefined) continue;
    const path = place.version === 1 ? join(place.parent, group) : join(cgroup ?? "", "agent");
    groups.push({ version: place.version, controller, path });
  }
  const lost = named.filter((name) => limits.demanded.includes(name) && held[name] === "none");
  if (lost.length > 0) {
    const fields = lost.map((name) => `runtime.resources.${RESOURCE_FIELDS[name]}`).join(", ");
    throw new FactoryError(
      "driver/resources",
      "stall",
      `${clone} asks for ${fields}, and nothing on this machine can hold that: ${machine.notes.join("; ")}; run it where such a cgroup may be made, or take the field out`,
    );
  }
  return { limits, held, groups };
}

function holdOf({ controllers, rlimits, root }: ResourceMachine, name: ResourceName): ResourceHold {
  if (name === "diskMb") return "watched";
  if (controllers[CONTROLLER_OF[name]] !== undefined) return "cgroup";
  if (name === "memoryMb" && rlimits) return "rlimit";
  return name === "pids" && rlimits && !root ? "rlimit" : "none";
}

/** Of version 1, for each controller the folders in which a group of ours may be made: our own group first. */
export function hierarchies(
  mountinfo: string,
  own: string,
): ReadonlyMap<string, readonly { readonly base: string; readonly point: string }[]> {
  const groups = new Map(
    own.split("\n").flatMap((line) => {
      const [, names = "", path = "/"] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
      return names.split(",").map((name) => [name, path] as const);
    }),
  );
  const found = new Map<string, { base: string; point: string }[]>();
  for (const line of mountinfo.split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    if (!after.startsWith("cgroup ")) continue;
    const [, , , root = "/", point = ""] = before.split(" ");
    for (const option of after.split(" ").at(-1)?.split(",") ?? []) {
      const group = groups.get(option);
      if (group === undefined || point === "") continue;
      const inside = posix.relative(root, group);
      const bases = [...(inside.startsWith("..") ? [] : [posix.join(point, inside)]), point];
      const known = found.get(option) ?? [];
      found.set(option, [...known, ...[...new Set(bases)].map((base) => ({ base, point }))]);
    }
  }
  return found;
}

/** Whether groups below this one of version 2 have the controller, or can be given it. */
function delegates(cgroup: string, controller: Controller): boolean {
  const base = dirname(cgroup);
  const has = (folder: string): boolean =>
    readOr(join(folder, "cgroup.subtree_control")).trim().split(/\s+/).includes(controller);
  try {
    mkdirSync(cgroup, { recursive: true });
    for (const folder of [base, cgroup])
      if (!has(folder)) writeFileSync(join(folder, "cgroup.subtree_control"), `+${controller}`);
    return has(cgroup);
  } catch {
    return false;
  } finally {
    removeIfEmpty(cgroup);
  }
}

/** A group gets a limit, and a process joins it and runs. */
function holds(controller: Controller, { version, parent }: ControllerPlace): boolean {
  const path = join(parent, `trial-${process.pid}`);
  const plan: ResourcePlan = {
    limits: TRIAL_LIMITS,
    held: NOT_HELD,
    groups: [{ version, controller, path }],
  };
  try {
    createResourceGroups(plan);
    const [program = "false", ...args] = limitedCommand(plan, ["true"]);
    return works(program, args);
  } catch (error) {
    refuseShortage(error, `${controller} could not be tried`);
    return false;
  } finally {
    removeResourceGroups(plan);
  }
}

function works(program: string, args: readonly string[]): boolean {
  try {
    execFileSync(program, args, { stdio: "ignore", timeout: TRIAL_MS });
    return true;
  } catch (error) {
    refuseShortage(error, `${program} could not be tried`);
    return false;
  }
}

function removeIfEmpty(path: string): void {
  try {
    if (existsSync(path)) rmdirSync(path);
  } catch {
    // Instances have their groups there.
  }
}

function readOr(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    refuseShortage(error, `${path} cannot be read`);
    return "";
  }
}
