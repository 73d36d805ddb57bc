/** The guard's own process: see `guard.ts`. Told what to guard in its first line; the end of its input is its word. */
import { readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Guarded } from "./guard.ts";

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

/** Another guard may be at the same folder: then what was listed is gone. What it lies in may be somebody else's, who removes the rest. */
async function remove(folder: string): Promise<void> {
  for (let look = 0; look < LOOKS_MAX; look += 1) {
    try {
      return rmSync(folder, { recursive: true, force: true });
    } catch (error) {
      if (REFUSED.has((error as NodeJS.ErrnoException).code ?? "")) return;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
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
