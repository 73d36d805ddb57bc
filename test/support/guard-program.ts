/** The guard's own process: see `guard.ts`. Told what to guard in its first line; the end of its input is its word. */
import { createHash } from "node:crypto";
import {
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import type { Guarded } from "./guard.ts";

const CGROUPS = "/sys/fs/cgroup";
/** Below the mount, a controller's own group and its instances'. */
const GROUP_DEPTH_MAX = 7;
/** Another guard empties the same folder, on a machine that is busy. */
const REMOVE_LOOKS_MAX = 600;
/** What is killed can have children in flight. */
const LOOKS_MAX = 100;
const LOOK_MS = 50;
const EMPTY_LOOKS = 2;

let guarded: Guarded | null = null;
const input = createInterface({ input: process.stdin });
input.on("line", (line) => {
  if (guarded === null) guarded = JSON.parse(line) as Guarded;
  else restore(guarded);
  process.stdout.write("done\n");
});
input.on("close", () => {
  if (guarded !== null) void end(guarded);
});
// Whoever ends a terminal's processes does not mean what is to outlive them.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
process.stdout.on("error", () => {});

function restore({ settings, folders }: Guarded): void {
  for (const [path, value] of Object.entries(settings)) {
    const now = readFileSync(path, "utf8").trimEnd();
    // Somebody else's run may have put its own there.
    if (now !== value && folders.some((folder) => now.includes(folder))) writeFileSync(path, value);
  }
}

async function end(what: Guarded): Promise<void> {
  restore(what);
  const names = [...what.folders, ...what.marks];
  for (let look = 0, empty = 0; look < LOOKS_MAX && empty < EMPTY_LOOKS; look += 1) {
    const found = naming(names).filter((pid) => !what.spare.includes(pid));
    empty = found.length === 0 ? empty + 1 : 0;
    for (const pid of found) kill(pid);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  // What was alive until now may have changed it once more.
  restore(what);
  const groups = new Set(what.folders.flatMap(groupsOf));
  if (groups.size > 0) removeGroups(CGROUPS, groups, GROUP_DEPTH_MAX);
  for (const folder of what.folders) await remove(folder);
}

function naming(names: readonly string[]): readonly number[] {
  return readdirSync("/proc").flatMap((entry) => {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) return [];
    const text = `${read(entry, "cmdline")}\0${read(entry, "environ")}\0${folderOf(entry)}`;
    return names.some((name) => text.includes(name)) ? [Number(entry)] : [];
  });
}

/** Empty for what is gone since the listing, and for what is somebody else's. */
function read(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return "";
  }
}

function folderOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return "";
  }
}

/** Names of the control groups of data directories in there, two levels down, as the process driver gives them (`layout.ts`). */
function groupsOf(folder: string): readonly string[] {
  return foldersIn(folder)
    .flatMap((fleet) => foldersIn(fleet))
    .map((data) => createHash("sha256").update(join(data, "instances")).digest("hex"))
    .map((digest) => `factory-${digest.slice(0, 8)}`);
}

/** Nobody is in them any more. */
function removeGroups(folder: string, names: ReadonlySet<string>, depth: number): void {
  for (const group of depth > 0 ? foldersIn(folder) : [])
    if (names.has(basename(group))) removeGroup(group);
    else removeGroups(group, names, depth - 1);
}

/** What is inside of it goes first. */
function removeGroup(group: string): void {
  foldersIn(group).forEach(removeGroup);
  try {
    rmdirSync(group);
  } catch {
    // Somebody else's by now, or gone.
  }
}

function foldersIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? [join(folder, entry.name)] : [],
    );
  } catch {
    return [];
  }
}

/**
 * Another guard may be at the same folder: then what was listed is gone, which ends a removal by force in silence, with the rest still there.
 * What it lies in may be somebody else's, who removes the rest.
 */
async function remove(folder: string): Promise<void> {
  for (let look = 0; look < REMOVE_LOOKS_MAX && existsSync(folder); look += 1) {
    try {
      rmSync(folder, { recursive: true, force: true });
    } catch (error) {
      if (REFUSED.has((error as NodeJS.ErrnoException).code ?? "")) return;
    }
    if (existsSync(folder)) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

const REFUSED: ReadonlySet<string> = new Set(["EACCES", "EPERM"]);

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone, or somebody else's.
  }
}
