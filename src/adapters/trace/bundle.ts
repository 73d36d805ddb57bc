import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { TraceCause } from "../../core/model/trace.ts";

export interface Manifest {
  readonly version: 1;
  readonly clone: string;
  readonly mission_id: string;
  readonly epoch: number;
  readonly cause: TraceCause;
  readonly finished_at: string;
  readonly missing: readonly string[];
  readonly files: readonly ManifestEntry[];
}

export interface ManifestEntry {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** The folder of one bundle. A file in it is whole: it gets its name when it is written. */
export interface Bundle {
  readonly path: string;
  has(name: string): Promise<boolean>;
  /** Null when there is none. */
  read(name: string): Promise<string | null>;
  /** Writes unless it stands there already; on the disk on return. */
  text(name: string, content: string | Uint8Array): Promise<void>;
  /** Where a file may be made by others before `adopt` gives it its name. Empty or absent at first. */
  scratch(name: string): Promise<string>;
  adopt(scratch: string, name: string): Promise<void>;
  /** Everything but the scratch, by path, with digests. */
  files(): Promise<readonly ManifestEntry[]>;
}

const SCRATCH = ".scratch";
let counter = 0;

export function openBundle(path: string): Bundle {
  async function has(name: string): Promise<boolean> {
    return stat(join(path, name)).then(
      () => true,
      () => false,
    );
  }

  return {
    path,
    has,
    async read(name) {
      try {
        return await readFile(join(path, name), "utf8");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
        throw error;
      }
    },
    async text(name, content) {
      if (await has(name)) return;
      const target = join(path, name);
      await mkdir(dirname(target), { recursive: true, mode: 0o700 });
      await mkdir(join(path, SCRATCH), { recursive: true, mode: 0o700 });
      counter += 1;
      const next = join(path, SCRATCH, `text-${process.pid}-${counter}`);
      const handle = await open(next, "w", 0o600);
      try {
        await handle.writeFile(content);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(next, target);
    },
    async scratch(name) {
      const place = join(path, SCRATCH, name);
      await rm(place, { recursive: true, force: true });
      await mkdir(dirname(place), { recursive: true, mode: 0o700 });
      return place;
    },
    async adopt(scratch, name) {
      const target = join(path, name);
      await mkdir(dirname(target), { recursive: true, mode: 0o700 });
      await chmod(scratch, 0o600);
      await rename(scratch, target);
    },
    async files() {
      await rm(join(path, SCRATCH), { recursive: true, force: true });
      const found: ManifestEntry[] = [];
      for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue;
        const file = join(entry.parentPath, entry.name);
        const { size } = await stat(file);
        found.push({ path: file.slice(path.length + 1), bytes: size, sha256: await digestOf(file) });
      }
      return found.sort((a, b) => (a.path < b.path ? -1 : 1));
    },
  };
}

export async function digestOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
