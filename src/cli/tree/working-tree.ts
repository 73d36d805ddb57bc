import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { runGit } from "../../adapters/git/process.ts";
import { FactoryError } from "../../core/model/error.ts";
import { SECOND_MS } from "../../core/model/time.ts";
import type { RepositoryFile } from "../../documents/layout.ts";
import type { FleetTree } from "../../reconciler/reviews/fleet-tree.ts";
import { checkoutEnv } from "./checkout.ts";
import { BLOB_BYTES_MAX, type StagedTree, stageTree } from "./staged-tree.ts";

export const WORKING_TREE = "working tree";

/** As the controller's source: more files than any fleet needs. */
const FILES_MAX = 200_000;
const GIT_TIMEOUT_MS = 30 * SECOND_MS;
/** Folders that are nobody's documents, where git cannot be asked what is ignored. */
const SKIPPED = new Set([".git", "node_modules", ".factory"]);

/**
 * The working tree as a commit of everything in it would be, for as long as `use` takes: line endings and the like
 * as git would write them. Where git does not know the folder, the files as they stand.
 */
export async function useWorkingTree<T>(dir: string, use: (tree: FleetTree) => Promise<T>): Promise<T> {
  const { tree, close } = await openWorkingTree(dir);
  try {
    return await use(tree);
  } finally {
    await close();
  }
}

/** The same; `close` is to be called in any case. Rejects `tree/not-committable`. */
export async function openWorkingTree(dir: string): Promise<StagedTree> {
  const listed = await listOf(dir);
  if (listed === null) return { tree: await readWorkingTree(dir), close: async () => {} };
  checkCount(dir, listed.tracked.length + listed.others.length);
  return stageTree({ dir, ...listed, revision: WORKING_TREE });
}

/**
 * The files as they stand on disk, byte by byte, committed or not. What git ignores is left out; without git, the
 * usual folders are.
 */
export async function readWorkingTree(dir: string): Promise<FleetTree> {
  const known = await listOf(dir);
  const paths = known === null ? await listFolder(dir) : [...new Set([...known.tracked, ...known.others])];
  checkCount(dir, paths.length);
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

interface Listed {
  readonly tracked: readonly string[];
  readonly others: readonly string[];
}

/** Null where git does not know the folder as a work tree, or as one that somebody else's repository ignores, such as a package below node_modules. */
async function listOf(dir: string): Promise<Listed | null> {
  const tracked = await listWithGit(dir, ["--cached"]);
  const others = tracked === null ? null : await listWithGit(dir, ["--others", "--exclude-standard"]);
  if (tracked === null || others === null) return null;
  const isIgnored = existsSync(join(dir, "fleet.yaml")) && ![...tracked, ...others].includes("fleet.yaml");
  return isIgnored ? null : { tracked, others };
}

async function listWithGit(dir: string, which: readonly string[]): Promise<string[] | null> {
  const outcome = await runGit({
    args: ["ls-files", "-z", ...which],
    env: checkoutEnv(),
    cwd: dir,
    timeoutMs: GIT_TIMEOUT_MS,
  });
  if (outcome.exitCode !== 0) return null;
  return [...new Set(outcome.stdout.toString("utf8").split("\0"))].filter((path) => path !== "");
}

function checkCount(dir: string, files: number): void {
  if (files > FILES_MAX)
    throw new FactoryError("tree/too-large", "stall", `${dir} has more than ${FILES_MAX} files`);
}

/** Nothing below the skipped folders is looked at: they may be somebody else's, and closed. */
async function listFolder(dir: string): Promise<string[]> {
  const found: string[] = [];
  const open = [""];
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    for (const entry of await readdir(join(dir, folder), { withFileTypes: true })) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (SKIPPED.has(entry.name)) continue;
      if (entry.isDirectory()) open.push(path);
      else found.push(path);
    }
    checkCount(dir, found.length);
  }
  return found;
}
