/** Notices that something in the workspace changed, without watching every file. */
import { type Dirent, promises as fs } from "node:fs";
import { join } from "node:path";

/** Notices that something in the workspace has changed, which is progress. */
export interface WorkspaceWatch {
  /** Looks for changes in this folder from now on. */
  watch(workspace: string): void;
  /** Does nothing while the last look was a moment ago. */
  look(): Promise<void>;
}

/** Looking at the workspace costs more than beating. */
const LOOK_INTERVAL_MS_MIN = 5_000;

export function createWorkspaceWatch(onProgress: () => void): WorkspaceWatch {
  let watched: string | null = null;
  let lastPrint: number | null = null;
  let lookedAt = Number.NEGATIVE_INFINITY;
  return {
    watch(workspace) {
      watched = workspace;
    },
    async look() {
      const now = performance.now();
      if (watched === null || now - lookedAt < LOOK_INTERVAL_MS_MIN) return;
      lookedAt = now;
      const print = await fingerprint(watched);
      if (lastPrint !== null && print !== lastPrint) onProgress();
      lastPrint = print;
    },
  };
}

/** Enough to see a change in a tree that people would read; a larger one is seen in part. */
const ENTRIES_MAX = 2_000;
const SKIPPED = new Set([".git", ".factory", "node_modules"]);

/** A number that differs when a file appeared, went, grew or was written, as far as the first `ENTRIES_MAX` entries show. */
export async function fingerprint(workspace: string): Promise<number> {
  const folders = [workspace];
  let left = ENTRIES_MAX;
  let print = 0;
  for (let folder = folders.shift(); folder !== undefined && left > 0; folder = folders.shift()) {
    for (const entry of await entriesOf(folder)) {
      if (left <= 0) break;
      left -= 1;
      const path = join(folder, entry.name);
      if (entry.isDirectory() && !SKIPPED.has(entry.name)) folders.push(path);
      if (entry.isFile()) print = (print * 31 + (await weigh(path))) % Number.MAX_SAFE_INTEGER;
    }
  }
  return print;
}

async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  try {
    const entries = await fs.readdir(folder, { withFileTypes: true });
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return [];
  }
}

async function weigh(path: string): Promise<number> {
  try {
    const stat = await fs.lstat(path);
    return (Math.floor(stat.mtimeMs) % 1e9) + stat.size + path.length;
  } catch {
    return 0;
  }
}
