/**
 * A git repository that somebody else has written, without running anything that it names.
 *
 * Its configuration, hooks, filters and drivers are the agent's, and git would carry them out as us. So git gets a
 * directory of ours, with a configuration of ours, that takes over nothing but the objects; names of commits are read as
 * files. Objects, names and working tree are fetched first, because the workspace may be on another machine.
 */
import { createWriteStream } from "node:fs";
import { lstat, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { FactoryError } from "../../core/model/error.ts";
import type { Redactor } from "../../core/model/redact.ts";
import { relativeParts } from "../../core/model/relative-path.ts";
import type { Collect, Collected, CollectRequest } from "../../ports/collect.ts";
import type { WorkspaceRef } from "../../ports/workspaces.ts";
import type { Bundle } from "./bundle.ts";
import { type Git, gitIn } from "./git.ts";

const BUNDLE_BYTES_MAX = 64 * 1024 * 1024;
const TEXT_BYTES_MAX = 16 * 1024 * 1024;
const REFS_MAX = 1_000;
const REFS_DEPTH_MAX = 8;
const COMMIT = /^[0-9a-f]{40}([0-9a-f]{24})?$/;
const REF = /^refs\/(heads|tags|remotes|stash)[A-Za-z0-9._/-]*$/;
/** Loose objects and packs. Not `objects/info`: it names other folders to read objects from. */
const OBJECT = /^objects\/([0-9a-f]{2}\/[0-9a-f]{38,62}|pack\/pack-[0-9a-f]{40,64}\.(pack|idx|rev))$/;
const NAMES = /^(HEAD|packed-refs|refs\/[A-Za-z0-9._/-]+)$/;

const ONE = { filesMax: 1, depthMax: 0, fileBytesMax: 4_096, totalBytesMax: 4_096 };
const HEAD: CollectRequest = { paths: [".git/HEAD"], limits: ONE, larger: "nothing" };
const DATABASE: CollectRequest = {
  below: ".git",
  skipPaths: ["hooks", "logs", "info", "lfs", "modules", "worktrees", "objects/info"].map(
    (name) => `.git/${name}`,
  ),
  limits: {
    filesMax: 50_000,
    depthMax: REFS_DEPTH_MAX + 2,
    fileBytesMax: 256 * 1024 * 1024,
    totalBytesMax: 256 * 1024 * 1024,
  },
  larger: "nothing",
};

export interface RepositoryKept {
  readonly missing: readonly string[];
  readonly redaction: string;
}

/** A repository that is being fetched. */
export interface RepositoryCopy {
  /** A file of the working tree; null: it was not fetched, and nothing is said of whether it was changed. */
  take(path: string, content: Uint8Array | null): Promise<void>;
  /** Fetches objects and names, and keeps what git says of them. */
  keep(): Promise<RepositoryKept>;
  close(): Promise<void>;
}

interface RepositoryOptions {
  readonly collect: Collect;
  readonly workspace: WorkspaceRef;
  readonly redactor: Redactor;
  readonly signal: AbortSignal;
}

/** Null where the workspace is no repository. */
export async function openRepository(
  bundle: Bundle,
  options: RepositoryOptions,
): Promise<RepositoryCopy | null> {
  if (!(await isRepository(options))) return null;
  const root = await bundle.scratch("repository");
  const places: Places = {
    worktree: join(root, "worktree"),
    ours: join(root, "git"),
    theirs: join(root, "names"),
  };
  for (const place of Object.values(places)) await mkdir(place, { recursive: true, mode: 0o700 });
  const unknown = new Set<string>();
  return {
    async take(path, content) {
      if (content === null) unknown.add(path);
      else await put(join(places.worktree, path), content);
    },
    async keep() {
      const missing = await fetchDatabase(places, options);
      const refs = await readRefs(places.theirs);
      if (refs.size === 0) return { missing: [...missing, "git: no commit yet"], redaction: "no commit" };
      await setUp(places.ours, refs);
      const git = gitIn({ directory: places.ours, worktree: places.worktree, signal: options.signal });
      await git(["read-tree", "HEAD"], null);
      await leaveOut(git, unknown);
      const kept = await keepHistory(bundle, git, options.redactor);
      return { ...kept, missing: [...missing, ...kept.missing] };
    },
    close: () => rm(root, { recursive: true, force: true }),
  };
}

interface Places {
  readonly worktree: string;
  /** The directory that git is given. */
  readonly ours: string;
  /** `HEAD`, `packed-refs` and `refs`, as they were fetched. */
  readonly theirs: string;
}

async function isRepository({ collect, workspace, signal }: RepositoryOptions): Promise<boolean> {
  try {
    for await (const found of collect({ workspace }, HEAD, signal))
      if (found.type === "file" && found.content !== null) return true;
    return false;
  } catch (error) {
    if (error instanceof FactoryError && error.code === "workspace/absent") return false;
    throw error;
  }
}

/** Answers with what could not be had. */
async function fetchDatabase(places: Places, options: RepositoryOptions): Promise<readonly string[]> {
  const { collect, workspace, signal } = options;
  const missing: string[] = [];
  for await (const found of collect({ workspace }, DATABASE, signal)) {
    signal.throwIfAborted();
    const problem = await takeOver(found, places);
    if (problem !== null) missing.push(`git: ${problem}`);
  }
  return missing;
}

async function takeOver(found: Collected, { ours, theirs }: Places): Promise<string | null> {
  if (found.type === "cut") return found.message;
  const name = found.path.startsWith(".git/") ? found.path.slice(".git/".length) : "";
  const to = OBJECT.test(name) ? ours : NAMES.test(name) ? theirs : null;
  if (to === null || relativeParts(name) === null) return null;
  if (found.content === null || found.problem !== null)
    return `${name} ${found.problem ?? "could not be fetched"}`;
  await put(join(to, name), found.content);
  return null;
}

async function put(file: string, content: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  if (content instanceof Uint8Array) await writeFile(file, content, { mode: 0o600 });
  else await pipeline(Readable.from(content), createWriteStream(file, { mode: 0o600 }));
}

/** Nothing is said of a file that was not fetched: not that it was removed, and not that it was not changed. */
async function leaveOut(git: Git, unknown: ReadonlySet<string>): Promise<void> {
  const tracked = (await git(["ls-files", "-z"], TEXT_BYTES_MAX)).text?.split("\0") ?? [];
  const left = tracked.filter((path) => path !== "" && (unknown.has(path) || isNeverFetched(path)));
  if (left.length === 0) return;
  await git(["update-index", "--skip-worktree", "-z", "--stdin"], null, { input: `${left.join("\0")}\0` });
}

function isNeverFetched(path: string): boolean {
  const parts = path.split("/");
  return parts[0] === ".factory" || parts.includes("node_modules");
}

async function keepHistory(bundle: Bundle, git: Git, redactor: Redactor): Promise<RepositoryKept> {
  const missing: string[] = [];
  const diff = await git(["diff", "--no-ext-diff", "--no-textconv", "--no-color", "HEAD"], TEXT_BYTES_MAX);
  if (diff.text === null) missing.push(`git diff: ${diff.problem}`);
  else await bundle.text("workspace/changes.diff", redactor.text(diff.text));
  const log = await git(
    ["log", "--all", "-p", "--no-ext-diff", "--no-textconv", "--no-color"],
    TEXT_BYTES_MAX,
  );
  if (log.text === null) {
    missing.push(`git bundle: its history could not be read for secrets (${log.problem})`);
    return { missing, redaction: "the bundle was left out: its contents could not be checked" };
  }
  if (redactor.text(log.text) !== log.text) {
    // What is packed cannot be redacted, so the same history is kept as text.
    await bundle.text("workspace/history.patch", redactor.text(log.text));
    missing.push("git bundle: its history holds the value of a secret; kept as redacted patches");
    return { missing, redaction: "the bundle was left out: its history holds the value of a secret" };
  }
  const file = await bundle.scratch("workspace.bundle");
  const made = await git(["bundle", "create", "-q", "-", "--all"], BUNDLE_BYTES_MAX, { into: file });
  if (made.problem === null) await bundle.adopt(file, "workspace/repository.bundle");
  else missing.push(`git bundle: ${made.problem}`);
  return { missing, redaction: "checked: no value of a secret in its history" };
}

/** A repository of ours around the objects. Modes are not fetched, so they do not count. */
async function setUp(ours: string, refs: ReadonlyMap<string, string>): Promise<void> {
  await mkdir(join(ours, "objects", "info"), { recursive: true, mode: 0o700 });
  await mkdir(join(ours, "refs"), { mode: 0o700 });
  const sha256 = [...refs.values()].some((commit) => commit.length > 40);
  const format = `[core]\n\trepositoryformatversion = ${sha256 ? 1 : 0}\n\tbare = false\n\tfileMode = false\n`;
  await writeFile(
    join(ours, "config"),
    `${format}${sha256 ? "[extensions]\n\tobjectformat = sha256\n" : ""}`,
  );
  const packed = [...refs].filter(([name]) => name !== "HEAD").map(([name, commit]) => `${commit} ${name}\n`);
  await writeFile(join(ours, "packed-refs"), packed.sort().join(""));
  await writeFile(join(ours, "HEAD"), `${refs.get("HEAD") ?? "0".repeat(40)}\n`);
}

/** Name → commit, as far as names and commits look like that. Links are not followed. */
async function readRefs(theirs: string): Promise<ReadonlyMap<string, string>> {
  const refs = new Map<string, string>();
  for (const line of (await textOf(join(theirs, "packed-refs"))).split("\n")) {
    const [commit = "", name = ""] = line.split(" ");
    if (COMMIT.test(commit) && REF.test(name) && refs.size < REFS_MAX) refs.set(name, commit);
  }
  await loose("refs", 0);
  const head = (await textOf(join(theirs, "HEAD"))).trim();
  const commit = head.startsWith("ref: ") ? refs.get(head.slice(5)) : head;
  if (commit !== undefined && COMMIT.test(commit)) refs.set("HEAD", commit);
  else {
    // A branch without a commit; any other will do to compare with.
    const any = refs.values().next().value;
    if (any !== undefined) refs.set("HEAD", any);
  }
  return refs;

  async function loose(folder: string, depth: number): Promise<void> {
    if (depth > REFS_DEPTH_MAX) return;
    const entries = await readdir(join(theirs, folder), { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const name = `${folder}/${entry.name}`;
      if (entry.isDirectory()) await loose(name, depth + 1);
      else if (entry.isFile() && REF.test(name) && refs.size < REFS_MAX) {
        const commit = (await textOf(join(theirs, name))).trim();
        if (COMMIT.test(commit)) refs.set(name, commit);
      }
    }
  }
}

async function textOf(path: string): Promise<string> {
  const stats = await lstat(path).catch(() => null);
  if (stats?.isFile() !== true || stats.size > TEXT_BYTES_MAX) return "";
  return readFile(path, "utf8").catch(() => "");
}
