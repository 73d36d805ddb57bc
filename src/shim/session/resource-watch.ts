/**
 * What the agent takes of its machine, as far as nobody better looks: the size of its workspace, and whether the kernel
 * has ended something of it for its memory. The rest is held by the kernel (`instance/resource-limits.ts`).
 */
import { type Dirent, promises as fs } from "node:fs";
import { join } from "node:path";
import { type Exceeded, exceededText } from "../../core/model/resources.ts";
import { outOfMemoryKills } from "../../instance/resource-limits.ts";
import type { Graces } from "../agents/ending.ts";
import type { AgentExit } from "../agents/signature.ts";
import { BY_LIMIT } from "./graces.ts";
import type { Life } from "./life.ts";

export interface ResourceWatch {
  /** An agent has started. */
  begin(): void;
  /** Why the agent had to end, if it was for what it took. */
  exceeded(exit: AgentExit): Exceeded | null;
  stop(): void;
}

const MIB = 1024 * 1024;
/** Between two looks; a look at a large tree takes a while and is not begun anew before. */
const LOOK_MS = 5_000;
/** Of a tree that is larger only so much is counted, which is said nowhere else than here. */
const ENTRIES_MAX = 500_000;
/** As the file system counts, whatever a file says of itself. */
const BLOCK_BYTES = 512;

export function createResourceWatch(parts: {
  readonly life: Life;
  readonly end: (reason: string, graces: Graces) => void;
  /** Default: `LOOK_MS`. */
  readonly lookMs?: number;
}): ResourceWatch {
  const { life } = parts;
  const plan = life.intent.resources;
  const diskMb = plan?.limits.diskMb;
  let killsBefore = 0;
  let disk: Exceeded | null = null;
  let timer: NodeJS.Timeout | null = null;
  let over = false;

  async function look(limit: number): Promise<void> {
    timer = null;
    const used = Math.ceil((await bytesBelow(life.intent.workspace)) / MIB);
    if (over || life.agent === null) return;
    if (used <= limit) {
      timer = setTimeout(() => void look(limit), parts.lookMs ?? LOOK_MS);
      return;
    }
    disk = { resource: "disk_mb", limit, used };
    parts.end(exceededText(disk), BY_LIMIT);
  }

  return {
    begin() {
      killsBefore = outOfMemoryKills(plan);
      if (diskMb !== undefined && timer === null && disk === null) void look(diskMb);
    },
    exceeded({ code, signal }) {
      if (disk !== null) return disk;
      const killed = code !== 0 || signal !== null;
      if (!killed || life.phase === "stopping" || outOfMemoryKills(plan) <= killsBefore) return null;
      return { resource: "memory_mb", limit: plan?.limits.memoryMb ?? 0, used: null };
    },
    stop() {
      over = true;
      if (timer !== null) clearTimeout(timer);
    },
  };
}

/** What the files below the folder take of the disk. Links are not followed, and what goes away meanwhile counts nothing. */
export async function bytesBelow(folder: string, entriesMax = ENTRIES_MAX): Promise<number> {
  const folders = [folder];
  let left = entriesMax;
  let bytes = 0;
  for (let next = folders.pop(); next !== undefined && left > 0; next = folders.pop()) {
    for (const entry of await entriesOf(next)) {
      if (left <= 0) break;
      left -= 1;
      const path = join(next, entry.name);
      bytes += await weightOf(path);
      if (entry.isDirectory()) folders.push(path);
    }
  }
  return bytes;
}

async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  try {
    return await fs.readdir(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

async function weightOf(path: string): Promise<number> {
  try {
    return (await fs.lstat(path)).blocks * BLOCK_BYTES;
  } catch {
    return 0;
  }
}
