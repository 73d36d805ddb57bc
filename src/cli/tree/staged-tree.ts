/**
 * A working tree as a commit of everything in it would be: with line endings, encodings, mode bits and ignored files as git
 * would have them.
 *
 * Git does it itself, on an index, an object folder and a configuration of ours: nothing is written to the checkout or
 * its repository, and of its configuration only settings are taken over that name no program. A filter that the
 * checkout or its user configure is a program, and is not run; what should have gone through it is said to have not.
 */
import { copyFile, lstat, mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve, sep } from "node:path";
import { createGitEnvironment } from "../../adapters/git/environment.ts";
import { createObjectReader } from "../../adapters/git/objects.ts";
import { runGit } from "../../adapters/git/process.ts";
import { parseTree } from "../../adapters/git/tree.ts";
import type { Issue } from "../../core/model/issue.ts";
import { SECOND_MS } from "../../core/model/time.ts";
import { documentPaths, type RepositoryFile } from "../../documents/layout.ts";
import type { FleetTree } from "../../reconciler/reviews/fleet-tree.ts";
import { failed, ofCheckout, settingsOf } from "./checkout.ts";

const GIT_TIMEOUT_MS = 60 * SECOND_MS;
/** A larger file that git does not know is not read: nobody's document is as large. */
export const BLOB_BYTES_MAX = 2 * 1024 * 1024;
const BLOBS_BYTES_MAX = 256 * 1024 * 1024;
const FILTERS_TOLD_MAX = 20;

export interface StagedTree {
  readonly tree: FleetTree;
  /** Removes what was written for it; contents cannot be read afterwards. */
  close(): Promise<void>;
}

export interface WorkTreeFiles {
  readonly dir: string;
  /** Below `dir`, with forward slashes: what git tracks, and what it neither tracks nor ignores. */
  readonly tracked: readonly string[];
  readonly others: readonly string[];
  /** Shown as the tree's revision. */
  readonly revision: string;
}

/** Rejects `tree/not-committable` where git cannot make a commit of it either. */
export async function stageTree(files: WorkTreeFiles): Promise<StagedTree> {
  const scratch = await mkdtemp(join(tmpdir(), "factory-tree-"));
  const close = (): Promise<void> => rm(scratch, { recursive: true, force: true });
  try {
    return { tree: await staged(files, await prepare(files.dir, scratch)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Staging {
  readonly gitDir: string;
  /** The folder in which the work tree begins, above the fleet or the same. */
  readonly top: string;
  readonly settings: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** A repository of ours beside the one of the checkout: its objects can be read, its index is a copy. */
async function prepare(dir: string, scratch: string): Promise<Staging> {
  const places = ["index", "objects", "info/attributes", "info/exclude"];
  const asked = await ofCheckout(dir, [
    "rev-parse",
    "--show-toplevel",
    "--show-object-format=storage",
    ...places.flatMap((place) => ["--git-path", place]),
  ]);
  const [top = "", format = "sha1", ...paths] = asked.split("\n");
  const [index = "", objects = "", attributes = "", exclude = ""] = paths.map((path) => resolve(dir, path));
  const gitDir = join(scratch, "git");
  const bare = createGitEnvironment({ url: gitDir }).local(gitDir);
  const env = { ...bare, GIT_WORK_TREE: top };
  await git({ gitDir: scratch, env: bare }, [
    "init",
    "-q",
    "--bare",
    "--template=",
    `--object-format=${format}`,
    gitDir,
  ]);
  await mkdir(join(gitDir, "objects", "info"), { recursive: true });
  await mkdir(join(gitDir, "info"), { recursive: true });
  await writeFile(join(gitDir, "objects", "info", "alternates"), `${objects}\n`);
  for (const [from, to] of [
    [attributes, "attributes"],
    [exclude, "exclude"],
  ] as const)
    await copyIfThere(from, join(gitDir, "info", to));
  await copyIndex(index, gitDir);
  return { gitDir, top, env, settings: await settingsOf(dir) };
}

async function staged(files: WorkTreeFiles, staging: Staging): Promise<FleetTree> {
  const { dir, revision } = files;
  const sorted = await sortPaths(files);
  const prefix = relative(staging.top, resolve(dir)).split(sep).join("/");
  const whole = (path: string): string => (prefix === "" ? path : `${prefix}/${path}`);
  await updateIndex(staging, ["--force-remove"], sorted.gone.map(whole));
  await updateIndex(
    staging,
    ["--add", "--remove", "--replace", "--ignore-skip-worktree-entries"],
    sorted.there.map(whole),
  );
  const tree = (await git(staging, ["write-tree", "--missing-ok"])).toString("utf8").trim();
  const listing = await git(staging, ["ls-tree", "-r", "-z", "-l", "--full-tree", tree]);
  const below = parseTree(listing).flatMap((entry): RepositoryFile[] => {
    if (prefix === "") return [entry];
    return entry.path.startsWith(`${prefix}/`)
      ? [{ ...entry, path: entry.path.slice(prefix.length + 1) }]
      : [];
  });
  const known = new Set(below.map(({ path }) => path));
  const entries = [...below, ...sorted.unread.filter(({ path }) => !known.has(path))];
  return {
    revision,
    entries,
    issues: await unfiltered(dir, { entries, staging, whole }),
    async read(ids) {
      const reader = createObjectReader(staging.gitDir, staging.env);
      const real = ids.filter((id) => !UNREAD.test(id));
      try {
        return await reader.read(real, { bytesMax: BLOB_BYTES_MAX, totalBytesMax: BLOBS_BYTES_MAX });
      } finally {
        reader.close();
      }
    },
  };
}

interface Sorted {
  readonly there: readonly string[];
  /** Tracked, and something else stands there now, or nothing that git would follow. */
  readonly gone: readonly string[];
  /** Named in the tree and never read: nested repositories, and what is too large. */
  readonly unread: readonly RepositoryFile[];
}

/** Ids of what is in the tree by its place alone. */
const UNREAD = /^0{32}/;

async function sortPaths({ dir, tracked, others }: WorkTreeFiles): Promise<Sorted> {
  const there: string[] = [];
  const gone: string[] = [];
  const unread: RepositoryFile[] = [];
  const links = new Map<string, boolean>();
  for (const path of tracked) {
    const found = await lstat(join(dir, path)).catch(() => null);
    const replaced =
      found?.isDirectory() === true && (await lstat(join(dir, path, ".git")).catch(() => null)) === null;
    if (replaced || (await isBehindLink(dir, path, links))) gone.push(path);
    else if (found?.isDirectory() !== true) there.push(path);
  }
  for (const path of others) {
    const found = await lstat(join(dir, path)).catch(() => null);
    if (found?.isDirectory() === true)
      unread.push({ path: path.replace(/\/$/, ""), type: "commit", blob: placeId(unread.length), size: 0 });
    else if (found?.isFile() === true && found.size > BLOB_BYTES_MAX)
      unread.push({ path, type: "file", blob: placeId(unread.length), size: found.size });
    else if (found?.isFile() === true || found?.isSymbolicLink() === true) there.push(path);
  }
  return { there, gone, unread };
}

function placeId(index: number): string {
  return index.toString(16).padStart(40, "0");
}

/** Whether a folder on the way there is a link: git does not follow it. */
async function isBehindLink(dir: string, path: string, known: Map<string, boolean>): Promise<boolean> {
  const folder = dirname(path);
  if (folder === ".") return false;
  const found = known.get(folder);
  if (found !== undefined) return found;
  const link = (await lstat(join(dir, folder)).catch(() => null))?.isSymbolicLink() === true;
  const behind = link || (await isBehindLink(dir, folder, known));
  known.set(folder, behind);
  return behind;
}

async function updateIndex(
  staging: Staging,
  flags: readonly string[],
  paths: readonly string[],
): Promise<void> {
  if (paths.length === 0) return;
  await git(staging, ["update-index", ...flags, "-z", "--stdin"], paths.map((path) => `${path}\0`).join(""));
}

async function git(
  staging: Pick<Staging, "gitDir" | "env"> & Partial<Pick<Staging, "settings" | "top">>,
  args: readonly string[],
  input?: string,
): Promise<Buffer> {
  const { gitDir, env, settings = [], top } = staging;
  const outcome = await runGit({
    args: [...settings.flatMap((setting) => ["-c", setting]), ...args],
    env,
    cwd: top ?? gitDir,
    timeoutMs: GIT_TIMEOUT_MS,
    ...(input === undefined ? {} : { input }),
  });
  if (outcome.exitCode === 0) return outcome.stdout;
  throw failed(outcome);
}

async function copyIfThere(from: string, to: string): Promise<boolean> {
  try {
    await copyFile(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

/** With its time: by it git knows which files may have changed in the moment in which it was written. */
async function copyIndex(index: string, gitDir: string): Promise<void> {
  if (!(await copyIfThere(index, join(gitDir, "index")))) return;
  const { mtimeMs } = await stat(index);
  const at = new Date(Math.floor(mtimeMs));
  await utimes(join(gitDir, "index"), at, at);
  for (const name of await readdir(dirname(index)))
    if (name.startsWith("sharedindex.")) await copyIfThere(join(dirname(index), name), join(gitDir, name));
}

/** Files that agents or we read and that a commit would send through a program. */
async function unfiltered(
  dir: string,
  parts: {
    readonly entries: readonly RepositoryFile[];
    readonly staging: Staging;
    readonly whole: (path: string) => string;
  },
): Promise<readonly Issue[]> {
  const { entries, staging, whole } = parts;
  const named = await ofCheckout(dir, [
    "config",
    "-z",
    "--name-only",
    "--get-regexp",
    "^filter\\..*\\.(clean|process)$",
  ]);
  const filters = new Set(named.split("\0").map((key) => key.replace(/^filter\.|\.(?:clean|process)$/g, "")));
  filters.delete("");
  if (filters.size === 0) return [];
  const { documents, policies, resources } = documentPaths(entries);
  const paths = [...documents, ...policies, ...resources];
  if (paths.length === 0) return [];
  const input = paths.map((path) => `${whole(path)}\0`).join("");
  const answer = (await git(staging, ["check-attr", "-z", "--stdin", "filter"], input))
    .toString("utf8")
    .split("\0");
  const issues: Issue[] = [];
  for (let at = 0; at + 2 < answer.length && issues.length < FILTERS_TOLD_MAX; at += 3) {
    const filter = answer[at + 2] ?? "";
    if (!filters.has(filter)) continue;
    const file = (answer[at] ?? "").slice(whole("").length);
    issues.push({
      severity: "warning",
      file,
      reason: "FilterNotRun",
      message: `a commit would send it through the filter \`${filter}\`, a program that is not run here: it is read as it stands`,
      expected: "--head with a commit",
    });
  }
  return issues;
}
