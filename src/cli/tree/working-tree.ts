import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { runGit } from "../../adapters/git/process.ts";
import { FactoryError } from "../../core/model/error.ts";
import { SECOND_MS } from "../../core/model/time.ts";
import type { RepositoryFile } from "../../documents/layout.ts";
import type { Tree } from "./tree.ts";

export const WORKING_TREE = "working tree";

/** As the controller's source: more files than any fleet needs. */
const FILES_MAX = 200_000;
/** As the controller's source: a larger blob is a mistake. */
const BLOB_BYTES_MAX = 2 * 1024 * 1024;
const GIT_TIMEOUT_MS = 30 * SECOND_MS;
/** Folders that are nobody's documents, where git cannot be asked what is ignored. */
const SKIPPED = new Set([".git", "node_modules", ".factory"]);

/**
 * The files as they stand on disk, committed or not: what a commit of everything
 * would hold. What git ignores is left out; without git, the usual folders are.
 */
export async function readWorkingTree(dir: string): Promise<Tree> {
  const listed = await listWithGit(dir);
  // A folder that somebody else's repository ignores, such as a package below node_modules, is empty for git.
  const ignored = listed !== null && !listed.includes("fleet.yaml") && existsSync(join(dir, "fleet.yaml"));
  const paths = listed === null || ignored ? await listFolder(dir) : listed;
  if (paths.length > FILES_MAX) {
    throw new FactoryError("tree/too-large", "stall", `${dir} has more than ${FILES_MAX} files`);
  }
  const files = new Map<string, string>();
  const entries: RepositoryFile[] = [];
  for (const path of paths.sort()) {
    const entry = await entryOf(dir, path);
    if (entry === null) continue;
    entries.push(entry);
    files.set(entry.blob, join(dir, path));
  }
  return {
    revision: WORKING_TREE,
    entries,
    async read(ids) {
      const found = new Map<string, Uint8Array>();
      for (const id of ids) {
        const file = files.get(id);
        const bytes = file === undefined ? null : await readFile(file).catch(() => null);
        if (bytes !== null && bytes.length <= BLOB_BYTES_MAX) found.set(id, bytes);
      }
      return found;
    },
  };
}

async function entryOf(dir: string, path: string): Promise<RepositoryFile | null> {
  const file = join(dir, path);
  const stat = await lstat(file).catch(() => null);
  // Listed by git, but deleted and not committed yet.
  if (stat === null) return null;
  if (stat.isSymbolicLink()) {
    const target = Buffer.from(await readlink(file));
    return { path, type: "symlink", blob: blobId(target), size: target.length };
  }
  // A repository inside of the repository: git lists it as one entry.
  if (stat.isDirectory())
    return { path: path.replace(/\/$/, ""), type: "commit", blob: "0".repeat(40), size: 0 };
  if (!stat.isFile()) return null;
  const type = (stat.mode & 0o100) === 0 ? "file" : "executable";
  // Contents decide what a blob is; files too large to be read are told apart by their place.
  const bytes = stat.size > BLOB_BYTES_MAX ? Buffer.from(`${path}\0${stat.size}`) : await readFile(file);
  return { path, type, blob: blobId(bytes), size: stat.size };
}

function blobId(bytes: Uint8Array): string {
  return createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
}

/** Null where git does not know the folder as a work tree. */
async function listWithGit(dir: string): Promise<string[] | null> {
  const outcome = await runGit({
    args: ["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: process.env["HOME"] ?? "",
      LC_ALL: "C",
      GIT_OPTIONAL_LOCKS: "0",
    },
    cwd: dir,
    timeoutMs: GIT_TIMEOUT_MS,
  });
  if (outcome.exitCode !== 0) return null;
  return [...new Set(outcome.stdout.toString("utf8").split("\0"))].filter((path) => path !== "");
}

async function listFolder(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)).replaceAll(sep, "/"))
    .filter((path) => !path.split("/").some((name) => SKIPPED.has(name)));
}
