/**
 * Real bare repositories in temporary folders: what tests use instead of a
 * forge. Author, dates and configuration are fixed, so equal histories have
 * equal commit ids on every machine. See `git-server.ts` for the same over HTTP.
 */
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** 2026-01-01T00:00:00Z; every commit of an origin is one second later than the one before. */
const FIRST_COMMIT_SECONDS = 1_767_225_600;

export interface Origin {
  /** Of the bare repository; also its URL. */
  readonly path: string;
  readonly branch: string;
  /** Commits on top of the branch and answers with the commit's id. */
  commit(files: Files, options?: CommitOptions): Promise<string>;
  /** Commit to which a branch points; null when it does not exist. */
  head(branch?: string): Promise<string | null>;
  /** Contents of every file by path at a branch or commit. */
  files(revision?: string): Promise<Map<string, string>>;
  /** Commit ids reachable from a branch, newest first. */
  log(revision?: string): Promise<string[]>;
  deleteBranch(branch: string): Promise<void>;
  /** Installs a server-side hook, e.g. `pre-receive`, as a shell script. */
  hook(name: string, script: string): Promise<void>;
  git(...args: string[]): Promise<string>;
  /** Moves the repository out of the way, and back. */
  vanish(): Promise<void>;
  reappear(): Promise<void>;
}

/** null removes the file. */
export type Files = Readonly<Record<string, string | Uint8Array | FileSpec | null>>;
export type FileSpec =
  | { readonly link: string }
  | { readonly executable: string }
  | { readonly submodule: string };

export interface CommitOptions {
  readonly branch?: string;
  readonly message?: string;
  /** Commit on which to build instead of the branch's tip; null starts a new history. The branch is moved by force. */
  readonly parent?: string | null;
  /** Forgets all files of the parent first. */
  readonly clear?: boolean;
}

export interface Scratch {
  readonly path: string;
  remove(): Promise<void>;
}

/** A new folder below the machine's temporary one. */
export async function createScratch(name = "factory"): Promise<Scratch> {
  const path = await mkdtemp(join(tmpdir(), `${name}-`));
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
}

export interface OriginOptions {
  /** Parent folder; it must exist. */
  readonly directory: string;
  readonly name?: string;
  readonly branch?: string;
  readonly objectFormat?: "sha1" | "sha256";
}

/** Makes an empty bare repository `<directory>/<name>.git`. */
export async function createOrigin(options: OriginOptions): Promise<Origin> {
  const path = join(options.directory, `${options.name ?? "origin"}.git`);
  const branch = options.branch ?? "main";
  const format = options.objectFormat ?? "sha1";
  await git(options.directory, ["init", "-q", "--bare", `--object-format=${format}`, "-b", branch, path]);
  return openOrigin(path, branch);
}

/** An existing bare repository as an `Origin`. */
export function openOrigin(path: string, branch = "main"): Origin {
  let commits = 0;
  async function head(name = branch): Promise<string | null> {
    const line = await git(path, ["for-each-ref", "--format=%(objectname)", `refs/heads/${name}`]);
    return line === "" ? null : line;
  }
  return {
    path,
    branch,
    head,
    async commit(files, options = {}) {
      const onto = options.branch ?? branch;
      const parent = options.parent === undefined ? await head(onto) : options.parent;
      const stream = fastImport({ files, onto, parent, at: FIRST_COMMIT_SECONDS + commits++, options });
      await git(path, ["fast-import", "--quiet", "--force"], { input: stream });
      const commit = await head(onto);
      if (commit === null) throw new Error(`no commit on ${onto} in ${path}`);
      return commit;
    },
    async files(revision = branch) {
      const found = new Map<string, string>();
      const listing = await git(path, ["ls-tree", "-r", "-z", revision]);
      for (const line of listing.split("\0")) {
        const tab = line.indexOf("\t");
        const [, type, id] = line.slice(0, tab).split(" ");
        if (tab > 0 && type === "blob" && id !== undefined) {
          found.set(line.slice(tab + 1), await git(path, ["cat-file", "blob", id], { trim: false }));
        }
      }
      return found;
    },
    async log(revision = branch) {
      const text = await git(path, ["log", "--format=%H", revision]);
      return text === "" ? [] : text.split("\n");
    },
    async deleteBranch(name) {
      await git(path, ["update-ref", "-d", `refs/heads/${name}`]);
    },
    async hook(name, script) {
      await mkdir(join(path, "hooks"), { recursive: true });
      await writeFile(join(path, "hooks", name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    },
    git: (...args) => git(path, args),
    vanish: () => rename(path, `${path}.gone`),
    reappear: () => rename(`${path}.gone`, path),
  };
}

/** Environment of a git that knows nothing of this machine. */
export function gitEnvironment(): Record<string, string> {
  return {
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    HOME: "/nonexistent",
    LC_ALL: "C",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_AUTHOR_NAME: "Ada Author",
    GIT_AUTHOR_EMAIL: "ada@example.com",
    GIT_COMMITTER_NAME: "Ada Author",
    GIT_COMMITTER_EMAIL: "ada@example.com",
    GIT_AUTHOR_DATE: `${FIRST_COMMIT_SECONDS} +0000`,
    GIT_COMMITTER_DATE: `${FIRST_COMMIT_SECONDS} +0000`,
  };
}

export interface GitOptions {
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  /** Whether white space around the output is taken off; the default. */
  readonly trim?: boolean;
}

/** Runs git in `directory` and answers with what it printed; rejects with its complaint when it fails. */
export function git(directory: string, args: readonly string[], options: GitOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn("git", args, { cwd: directory, env: { ...gitEnvironment(), ...options.env } });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
    child.stdin.on("error", () => {}); // git may end without reading everything
    child.on("error", reject);
    child.on("close", (code) => {
      const text = Buffer.concat(out).toString("utf8");
      if (code === 0) resolve(options.trim === false ? text : text.trim());
      else
        reject(new Error(`git ${args.join(" ")} ended with ${code}: ${Buffer.concat(err).toString("utf8")}`));
    });
    child.stdin.end(options.input ?? "");
  });
}

interface ImportRequest {
  readonly files: Files;
  readonly onto: string;
  readonly parent: string | null;
  readonly at: number;
  readonly options: CommitOptions;
}

/** One commit as a stream for `git fast-import`: no work tree, no index, one process. */
function fastImport(request: ImportRequest): Buffer {
  const { files, onto, parent, at, options } = request;
  const parts: Buffer[] = [];
  const say = (line: string) => parts.push(Buffer.from(`${line}\n`));
  const data = (content: string | Uint8Array) => {
    const bytes = Buffer.from(content as string);
    say(`data ${bytes.length}`);
    parts.push(bytes, Buffer.from("\n"));
  };
  // A new history needs the branch to be reset first; otherwise fast-import builds on its tip.
  if (parent === null) say(`reset refs/heads/${onto}`);
  say(`commit refs/heads/${onto}`);
  say(`author Ada Author <ada@example.com> ${at} +0000`);
  say(`committer Ada Author <ada@example.com> ${at} +0000`);
  data(options.message ?? "Change the fleet");
  if (parent !== null) say(`from ${parent}`);
  if (options.clear === true) say("deleteall");
  for (const [path, file] of Object.entries(files)) {
    const quoted = `"${path.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
    if (file === null) say(`D ${quoted}`);
    else if (typeof file === "object" && "submodule" in file) say(`M 160000 ${file.submodule} ${quoted}`);
    else {
      const spec = typeof file === "string" || file instanceof Uint8Array ? null : file;
      const mode = spec === null ? "100644" : "link" in spec ? "120000" : "100755";
      say(`M ${mode} inline ${quoted}`);
      data(spec === null ? (file as string | Uint8Array) : "link" in spec ? spec.link : spec.executable);
    }
  }
  say("done");
  return Buffer.concat(parts);
}
