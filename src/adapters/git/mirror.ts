/**
 * Our bare copy of the origin: where commits are brought, kept and read.
 *
 * Everything that we rely on is reachable from `refs/factory/`, so git's
 * housekeeping never drops a commit that some mission still refers to:
 *
 * - `accepted`: the last commit of the branch that we accepted; moves last.
 * - `candidate`: the newest commit that was fetched, accepted or not.
 * - `before-rewrite/<commit>`: accepted once, before its history was rewritten.
 * - `asked/<commit>`: fetched because somebody named it.
 *
 * The repository knows no remote: addresses and credentials come with each call.
 */
import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { FactoryError } from "../../core/model/error.ts";
import type { GitEnvironment } from "./environment.ts";
import { complaint } from "./errors.ts";
import { type GitCall, type GitOutcome, runGit } from "./process.ts";

export const ACCEPTED = "refs/factory/accepted";
export const CANDIDATE = "refs/factory/candidate";
export const BEFORE_REWRITE = "refs/factory/before-rewrite";
export const ASKED = "refs/factory/asked";

export type ObjectFormat = "sha1" | "sha256";

export interface Timeouts {
  readonly listMs: number;
  readonly fetchMs: number;
  readonly pushMs: number;
  /** For every call that stays on this machine. */
  readonly localMs: number;
}

export const DEFAULT_TIMEOUTS: Timeouts = {
  listMs: 30_000,
  fetchMs: 10 * 60_000, // a first fetch of a large repository
  pushMs: 2 * 60_000,
  localMs: 2 * 60_000,
};

export interface Mirror {
  readonly directory: string;
  /** Which kind of ids it has; asked once. */
  format(): Promise<ObjectFormat>;
  /** Runs git in the mirror; a failure is an outcome. */
  local(args: readonly string[], options?: LocalOptions): Promise<GitOutcome>;
  /** Runs git in the mirror and answers with what it printed; rejects `git/failed`. */
  ask(args: readonly string[], options?: LocalOptions): Promise<string>;
  askBytes(args: readonly string[], options?: LocalOptions): Promise<Buffer>;
  /** Brings refs in by refspec. */
  fetch(refspecs: readonly string[], more: FetchOptions): Promise<GitOutcome>;
  /**
   * The same for one ref, `from` at the origin and `to` here, and what it leads to now: the commit with its parents, and its files as
   * `listTree` has them; each null when it cannot be told. One process to start for us instead of three, of which each costs
   * a copy of our page tables.
   */
  fetchTip(
    ref: { readonly from: string; readonly to: string },
    more: FetchOptions,
  ): Promise<GitOutcome & { readonly tip: Tip | null; readonly listing: Buffer | null }>;
  /** Commit to which a ref points; null when there is none, or when it cannot be read. */
  ref(name: string): Promise<string | null>;
  /** What a ref says, whether or not that object is there. */
  refValue(name: string): Promise<string | null>;
  /** The commit that a ref leads to, with its parents; null when it leads to none that is here. */
  tip(name: string): Promise<Tip | null>;
  /** Changes refs, all or none: the lines of `git update-ref --stdin`. */
  update(lines: readonly string[]): Promise<void>;
  has(commit: string): Promise<boolean>;
  /** Whether `ancestor` is `commit` or comes before it. Rejects `git/failed` when one of them is missing. */
  isAncestor(ancestor: string, commit: string): Promise<boolean>;
}

export interface LocalOptions {
  readonly input?: string | Uint8Array;
  readonly signal?: AbortSignal | undefined;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly timeoutMs?: number;
}

export interface Tip {
  readonly commit: string;
  readonly parents: readonly string[];
}

export interface FetchOptions {
  readonly signal?: AbortSignal | undefined;
  /** Such as `--depth=1`. */
  readonly options?: readonly string[];
  /** Default: what a first fetch of a large repository may take. */
  readonly timeoutMs?: number;
}

export interface MirrorOptions {
  readonly directory: string;
  readonly environment: GitEnvironment;
  readonly timeouts: Timeouts;
}

/** A lock file that is older was left behind by a git that was killed. None of ours holds one for longer than moments. */
const STALE_LOCK_MS = 60_000;

/** Opens the mirror, or answers null when there is none. Rejects `git/not-a-mirror` when something else stands there. */
export async function openMirror(options: MirrorOptions): Promise<Mirror | null> {
  const entries = await readdir(options.directory).catch(nothingThere);
  if (entries.length === 0) return null;
  if (!entries.includes("HEAD") || !entries.includes("objects")) {
    throw new FactoryError(
      "git/not-a-mirror",
      "crash",
      `${options.directory} holds something else than our mirror`,
    );
  }
  await removeStaleLocks(options.directory);
  return createMirror(options);
}

/** That a folder could not be looked at does not make it empty. */
function nothingThere(error: unknown): string[] {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
  throw error;
}

/** Makes an empty mirror and puts it in place whole, so that a crash leaves none or all of it. */
export async function initMirror(options: MirrorOptions, format: ObjectFormat): Promise<Mirror> {
  const parent = dirname(options.directory);
  await mkdir(parent, { recursive: true });
  const draft = await mkdtemp(join(parent, `${basename(options.directory)}.draft-`));
  try {
    const { GIT_DIR: _, ...env } = options.environment.local(draft);
    const args = ["init", "--quiet", "--bare", "--template=", `--object-format=${format}`, draft];
    const outcome = await runGit({ args, env, cwd: draft, timeoutMs: options.timeouts.localMs });
    if (outcome.exitCode !== 0) throw failed(args, outcome, options.timeouts.localMs);
    // Files leave the mirror byte by byte as they were committed, whatever a `.gitattributes` asks for.
    await mkdir(join(draft, "info"), { recursive: true });
    await writeFile(
      join(draft, "info", "attributes"),
      "* -text -eol -ident -filter -working-tree-encoding\n",
    );
    await rename(draft, options.directory);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return createMirror(options);
}

function createMirror(options: MirrorOptions): Mirror {
  const { directory, environment, timeouts } = options;

  async function local(args: readonly string[], more: LocalOptions = {}): Promise<GitOutcome> {
    return await runGit({
      args,
      env: { ...environment.local(directory), ...more.env },
      cwd: more.cwd ?? directory,
      timeoutMs: more.timeoutMs ?? timeouts.localMs,
      signal: more.signal,
      ...(more.input === undefined ? {} : { input: more.input }),
    });
  }

  /** For a question that git may answer with a refusal. One that never ran has answered nothing. */
  async function answerTo(args: readonly string[]): Promise<GitOutcome> {
    const outcome = await local(args);
    if (outcome.ended === "spawn-failed") throw failed(args, outcome, timeouts.localMs);
    return outcome;
  }

  async function askBytes(args: readonly string[], more: LocalOptions = {}): Promise<Buffer> {
    const outcome = await local(args, more);
    if (outcome.ended === "aborted") throw more.signal?.reason;
    if (outcome.ended !== "exit" || outcome.exitCode !== 0) throw failed(args, outcome, timeouts.localMs);
    return outcome.stdout;
  }

  async function ask(args: readonly string[], more: LocalOptions = {}): Promise<string> {
    return (await askBytes(args, more)).toString("utf8").trimEnd();
  }

  async function fetchBy(
    refspecs: readonly string[],
    { signal, options = [], timeoutMs = timeouts.fetchMs }: FetchOptions,
    script?: GitCall["script"],
  ): Promise<GitOutcome> {
    await removeStaleLocks(directory);
    return await runGit({
      args: ["fetch", ...FETCH_OPTIONS, ...options, "--", environment.url, ...refspecs],
      env: await environment.remote(directory),
      cwd: directory,
      timeoutMs,
      signal,
      ...(script === undefined ? {} : { script }),
    });
  }

  let format: Promise<ObjectFormat> | null = null;
  return {
    directory,
    format() {
      format ??= ask(["rev-parse", "--show-object-format"]).then((name) =>
        name === "sha256" ? name : "sha1",
      );
      return format;
    },
    local,
    ask,
    askBytes,
    fetch: fetchBy,
    async fetchTip({ from, to }, more) {
      const script = { text: fetchTipScript(to), outputs: 2 };
      const outcome = await fetchBy([`+${from}:${to}`], more, script);
      const [told, listing] = outcome.outputs ?? [];
      const [commit, whole] = told?.toString("utf8").split("\n") ?? [];
      return { ...outcome, tip: tipIn(commit ?? ""), listing: whole === "whole" ? (listing ?? null) : null };
    },
    async ref(name) {
      const outcome = await answerTo(["rev-parse", "--quiet", "--verify", `${name}^{commit}`]);
      return outcome.exitCode === 0 ? outcome.stdout.toString("utf8").trim() : null;
    },
    async refValue(name) {
      const outcome = await answerTo(["rev-parse", "--quiet", "--verify", name]);
      return outcome.exitCode === 0 ? outcome.stdout.toString("utf8").trim() : null;
    },
    async tip(name) {
      const outcome = await answerTo(["rev-list", "--parents", "--max-count=1", `${name}^{commit}`, "--"]);
      return outcome.exitCode === 0 ? tipIn(outcome.stdout.toString("utf8")) : null;
    },
    async update(lines) {
      const input = `start\n${lines.join("\n")}\nprepare\ncommit\n`;
      await ask(["update-ref", "--stdin"], { input });
    },
    async has(commit) {
      return (await answerTo(["cat-file", "-e", `${commit}^{commit}`])).exitCode === 0;
    },
    async isAncestor(ancestor, commit) {
      const args = ["merge-base", "--is-ancestor", ancestor, commit];
      const outcome = await local(args);
      if (outcome.exitCode === 0) return true;
      if (outcome.exitCode === 1 && outcome.ended === "exit") return false;
      throw failed(args, outcome, timeouts.localMs);
    },
  };
}

/** A line of `git rev-list --parents`. */
function tipIn(line: string): Tip | null {
  const [commit, ...parents] = line.trim().split(" ");
  return commit === undefined || commit === "" ? null : { commit, parents };
}

/** The exit code is that of the fetch. Whether the listing is whole stands behind the commit, on the first further output. */
function fetchTipScript(ref: string): string {
  if (!/^[\w/-]+$/.test(ref)) throw new FactoryError("git/bad-ref", "crash", `${ref} is no ref of ours`);
  return [
    'git "$@" 3>&- 4>&- || exit',
    // What follows stays on this machine.
    "unset FACTORY_GIT_USER FACTORY_GIT_TOKEN; export GIT_NO_LAZY_FETCH=1 GIT_ALLOW_PROTOCOL=none",
    `git rev-list --parents --max-count=1 '${ref}^{commit}' -- >&3 4>&-`,
    `git ls-tree ${LIST_TREE.join(" ")} '${ref}' >&4 3>&- && echo whole >&3`,
    "exit 0",
  ].join("\n");
}

/** Every file of a commit with its size: see `parseTree`. */
export const LIST_TREE = ["-r", "-z", "-l", "--full-tree"] as const;

const FETCH_OPTIONS = [
  "--no-tags",
  "--no-write-fetch-head",
  "--no-auto-maintenance",
  "--force",
  "--no-recurse-submodules",
];

function failed(args: readonly string[], outcome: GitOutcome, timeoutMs: number): FactoryError {
  // One that never ran says nothing about the mirror.
  const code = outcome.ended === "spawn-failed" ? "git/not-started" : "git/failed";
  return new FactoryError(code, "retry", `git ${args[0]}: ${complaint(outcome, timeoutMs)}`);
}

/** Git's own default: above it `gc --auto` packs. */
const GC_AUTO = 6_700;

/** Lets git pack what has accumulated, if it finds that worth while. Answers with what went wrong. */
export async function tidy(mirror: Mirror): Promise<string | null> {
  const args = ["-c", `gc.auto=${GC_AUTO}`, "-c", "gc.autoDetach=false", "gc", "--auto", "--quiet"];
  const outcome = await mirror.local(args, { timeoutMs: DEFAULT_TIMEOUTS.fetchMs });
  return outcome.exitCode === 0 ? null : complaint(outcome, DEFAULT_TIMEOUTS.fetchMs);
}

/** Age by the file system's own clock, so that ours may be wrong. */
async function removeStaleLocks(directory: string): Promise<void> {
  const found: string[] = [];
  for (const name of await readdir(directory).catch(() => [])) {
    if (name.endsWith(".lock")) found.push(join(directory, name));
  }
  const refs = await readdir(join(directory, "refs"), { recursive: true }).catch(() => []);
  for (const name of refs) if (name.endsWith(".lock")) found.push(join(directory, "refs", name));
  if (found.length === 0) return;
  const probe = join(directory, "factory-now");
  await writeFile(probe, "");
  const { mtimeMs: now } = await stat(probe);
  for (const path of found) {
    const lock = await stat(path).catch(() => null);
    if (lock !== null && now - lock.mtimeMs > STALE_LOCK_MS) await rm(path, { force: true });
  }
}
