/**
 * A git repository that somebody else has written, without running anything that it names.
 *
 * Its configuration, hooks, filters and drivers are the agent's, and git would carry them out as us. So git gets a
 * directory of ours, with a configuration of ours, that borrows nothing but the objects; names of commits are read as files.
 */
import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { lstat, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Redactor } from "../../core/model/redact.ts";
import type { Bundle } from "./bundle.ts";

const GIT_MS = 20_000;
const BUNDLE_BYTES_MAX = 64 * 1024 * 1024;
const TEXT_BYTES_MAX = 16 * 1024 * 1024;
const REFS_MAX = 1_000;
const REFS_DEPTH_MAX = 8;
const COMMIT = /^[0-9a-f]{40}([0-9a-f]{24})?$/;
const REF = /^refs\/(heads|tags|remotes|stash)[A-Za-z0-9._/-]*$/;

export interface RepositoryKept {
  readonly missing: readonly string[];
  readonly redaction: string;
}

export async function keepRepository(
  bundle: Bundle,
  options: { readonly path: string; readonly redactor: Redactor; readonly signal: AbortSignal },
): Promise<RepositoryKept> {
  const { path, redactor, signal } = options;
  const theirs = join(path, ".git");
  if (!(await isFolder(theirs)) || !(await isFolder(join(theirs, "objects"))))
    return { missing: [], redaction: "no repository" };
  const ours = await bundle.scratch("git");
  try {
    const git = gitIn({ directory: ours, worktree: path, signal });
    const refs = await readRefs(theirs);
    await borrow(ours, join(theirs, "objects"), refs);
    if (refs.size === 0) return { missing: ["git: no commit yet"], redaction: "no commit" };
    const missing: string[] = [];
    await git(["read-tree", "HEAD"], null);
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
    const made = await git(["bundle", "create", "-q", "-", "--all"], BUNDLE_BYTES_MAX, file);
    if (made.problem === null) await bundle.adopt(file, "workspace/repository.bundle");
    else missing.push(`git bundle: ${made.problem}`);
    return { missing, redaction: "checked: no value of a secret in its history" };
  } finally {
    await rm(ours, { recursive: true, force: true });
  }
}

async function borrow(ours: string, objects: string, refs: ReadonlyMap<string, string>): Promise<void> {
  await mkdir(join(ours, "objects", "info"), { recursive: true, mode: 0o700 });
  await mkdir(join(ours, "refs"), { mode: 0o700 });
  await writeFile(join(ours, "objects", "info", "alternates"), `${objects}\n`);
  const format = [...refs.values()].some((commit) => commit.length > 40)
    ? "[core]\n\trepositoryformatversion = 1\n\tbare = false\n[extensions]\n\tobjectformat = sha256\n"
    : "[core]\n\trepositoryformatversion = 0\n\tbare = false\n";
  await writeFile(join(ours, "config"), format);
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

interface GitAnswer {
  readonly text: string | null;
  readonly problem: string | null;
}

type Git = (args: readonly string[], bytesMax: number | null, into?: string) => Promise<GitAnswer>;

/** Nothing of anybody's configuration, no prompt, no lock, a time limit and an output limit. */
function gitIn(where: {
  readonly directory: string;
  readonly worktree: string;
  readonly signal: AbortSignal;
}): Git {
  return async (args, bytesMax, into) => {
    const child = spawn("git", [...QUIET, ...args], {
      cwd: where.directory,
      env: {
        PATH: process.env["PATH"] ?? "/usr/bin:/bin",
        HOME: "/nonexistent",
        LC_ALL: "C.UTF-8",
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_CONFIG_GLOBAL: "/dev/null",
        GIT_TERMINAL_PROMPT: "0",
        GIT_OPTIONAL_LOCKS: "0",
        GIT_NO_LAZY_FETCH: "1",
        GIT_DIR: where.directory,
        GIT_WORK_TREE: where.worktree,
      },
      stdio: ["ignore", "pipe", "pipe"],
      signal: AbortSignal.any([where.signal, AbortSignal.timeout(GIT_MS)]),
      killSignal: "SIGKILL",
    });
    const exited = new Promise<string | null>((resolve) => {
      child.on("error", (error) => resolve(error.message));
      child.on("close", (code, by) => resolve(code === 0 ? null : `git ended with ${by ?? code}`));
    });
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => {
      stderr = (stderr + chunk.toString("utf8")).slice(-500);
    });
    const out: Buffer[] = [];
    let bytes = 0;
    let overflow = false;
    const counted = async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      for await (const chunk of source) {
        bytes += chunk.length;
        if (bytesMax !== null && bytes > bytesMax) {
          overflow = true;
          child.kill("SIGKILL");
          return;
        }
        yield chunk;
      }
    };
    try {
      if (into === undefined) for await (const chunk of counted(child.stdout)) out.push(chunk);
      else await pipeline(child.stdout, counted, createWriteStream(into, { mode: 0o600 }));
    } catch {
      // Its end says more.
    }
    const problem = await exited;
    if (overflow) return { text: null, problem: `more than ${bytesMax} bytes` };
    if (problem !== null) return { text: null, problem: `${problem}: ${stderr.trim()}` };
    return { text: Buffer.concat(out).toString("utf8"), problem: null };
  };
}

const QUIET = [
  "-c",
  "core.fsmonitor=false",
  "-c",
  "core.hooksPath=/dev/null",
  "-c",
  "core.untrackedCache=false",
];

async function isFolder(path: string): Promise<boolean> {
  return lstat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}

async function textOf(path: string): Promise<string> {
  const stats = await lstat(path).catch(() => null);
  if (stats?.isFile() !== true || stats.size > TEXT_BYTES_MAX) return "";
  return readFile(path, "utf8").catch(() => "");
}
