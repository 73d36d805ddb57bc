import { existsSync } from "node:fs";
import { cp, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PACKAGE_ROOT } from "../package-files.ts";

export interface Written {
  /** Paths below the folder, in order. */
  readonly made: readonly string[];
  /** Stood there already and were left as they are. */
  readonly kept: readonly string[];
}

/** Writes files below a folder. One that is there already, whatever it holds, is left as it is. */
export async function writeNew(dir: string, files: ReadonlyMap<string, string>): Promise<Written> {
  const made: string[] = [];
  const kept: string[] = [];
  for (const [path, text] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const target = join(dir, path);
    await mkdir(dirname(target), { recursive: true });
    try {
      await writeFile(target, text, { flag: "wx" });
      made.push(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      kept.push(path);
    }
  }
  return { made, kept };
}

/** Copies files of this package, by their paths, under the same rule. */
export async function copyNew(dir: string, paths: readonly string[]): Promise<Written> {
  const made: string[] = [];
  const kept: string[] = [];
  for (const path of paths) {
    const target = join(dir, path);
    if (existsSync(target)) {
      kept.push(path);
      continue;
    }
    await mkdir(dirname(target), { recursive: true });
    await cp(join(PACKAGE_ROOT, path), target, { errorOnExist: true, force: false });
    made.push(path);
  }
  return { made, kept };
}
