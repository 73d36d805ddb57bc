import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { FactoryError } from "../../core/model/error.ts";
import type { ExportRequest, Snapshot, TreeEntry } from "../../ports/source.ts";
import { linkStaysInside } from "./links.ts";
import type { Mirror } from "./mirror.ts";
import type { ObjectReader } from "./objects.ts";
import { isSafePath } from "./tree.ts";

export interface ExportTree extends ExportRequest {
  readonly mirror: Mirror;
  readonly reader: ObjectReader;
  readonly snapshot: Snapshot;
  readonly signal: AbortSignal;
}

/** A longer target is no path on any system that we know. */
const LINK_BYTES_MAX = 4_096;

/**
 * Writes files of a commit into an empty folder, through a throw-away index:
 * no work tree, no filters, no line-end conversion, so every file has the bytes
 * that were committed. Left out without a word: submodules, symlinks that
 * lead out of the folder, names that git itself refuses. Rejects
 * `source/directory-not-empty`; after any other failure the folder is empty again.
 */
export async function exportTree(request: ExportTree): Promise<void> {
  const { mirror, signal } = request;
  const directory = resolve(request.directory);
  await mkdir(directory, { recursive: true });
  if ((await readdir(directory)).length > 0) {
    throw new FactoryError(
      "source/directory-not-empty",
      "crash",
      `${directory} is not empty, so it is no clean place`,
    );
  }
  const wanted = await withoutEscapes(request);
  const scratch = await mkdtemp(join(tmpdir(), "factory-export-"));
  const env = { GIT_INDEX_FILE: join(scratch, "index"), GIT_WORK_TREE: directory };
  try {
    const input = wanted.map((entry) => `${MODES[entry.type]} ${entry.blob} 0\t${entry.path}\0`).join("");
    await mirror.ask(["update-index", "-z", "--add", "--index-info"], { env, cwd: directory, input, signal });
    const args = ["-c", "core.symlinks=true", "checkout-index", "--all", "--quiet"];
    await mirror.ask(args, { env, cwd: directory, signal });
  } catch (error) {
    for (const name of await readdir(directory))
      await rm(join(directory, name), { recursive: true, force: true });
    throw error;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

const MODES = { file: "100644", executable: "100755", symlink: "120000", commit: "160000" } as const;

async function withoutEscapes(request: ExportTree): Promise<readonly TreeEntry[]> {
  const { snapshot, reader, paths, signal } = request;
  const links = new Map<string, string>();
  const symlinks = snapshot.entries.filter(
    (entry) => entry.type === "symlink" && entry.size <= LINK_BYTES_MAX,
  );
  const limits = { bytesMax: LINK_BYTES_MAX, totalBytesMax: Number.POSITIVE_INFINITY };
  const targets = await reader.read(
    symlinks.map((entry) => entry.blob),
    limits,
    signal,
  );
  for (const { path, blob } of symlinks) {
    links.set(path, Buffer.from(targets.get(blob) ?? new Uint8Array()).toString("utf8"));
  }
  return snapshot.entries.filter((entry) => {
    if (entry.type === "commit" || !isSafePath(entry.path) || !isWanted(entry.path, paths)) return false;
    return entry.type !== "symlink" || (links.has(entry.path) && linkStaysInside(entry.path, links));
  });
}

function isWanted(path: string, paths: readonly string[] | undefined): boolean {
  if (paths === undefined) return true;
  return paths.some((wanted) => (wanted.endsWith("/") ? path.startsWith(wanted) : path === wanted));
}
