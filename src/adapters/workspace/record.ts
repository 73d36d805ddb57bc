import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { codeOf } from "./folder.ts";

/**
 * Which files of a workspace are ours. Kept beside the workspaces, where no
 * clone looks, so that a clone cannot make us remove files by editing a list.
 */
export interface WorkspaceRecord {
  /** Sorted. While a materialisation is under way: the old and the new ones. */
  readonly paths: readonly string[];
}

/** An unreadable record is an empty one: then files of an older manifest stay, which harms nobody. */
export async function readRecord(path: string): Promise<WorkspaceRecord> {
  try {
    const value: unknown = JSON.parse(await readFile(path, "utf8"));
    const paths = typeof value === "object" && value !== null && "paths" in value ? value.paths : null;
    if (!Array.isArray(paths)) return { paths: [] };
    return { paths: paths.filter((item): item is string => typeof item === "string") };
  } catch (error) {
    if (codeOf(error) === "ENOENT" || error instanceof SyntaxError) return { paths: [] };
    throw error;
  }
}

export async function writeRecord(path: string, paths: Iterable<string>): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const record: WorkspaceRecord = { paths: [...new Set(paths)].sort() };
  await writeFile(`${path}.new`, `${JSON.stringify(record, null, 1)}\n`);
  await rename(`${path}.new`, path);
}

export async function removeRecord(path: string): Promise<void> {
  await rm(path, { force: true });
}
