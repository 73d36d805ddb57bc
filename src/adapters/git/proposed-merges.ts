import { createHash } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { FactoryError } from "../../core/model/error.ts";
import { MINUTE_MS } from "../../core/model/time.ts";
import type {
  BranchChanges,
  ChangesRequest,
  MergeRequest,
  ProposedCommit,
  ProposedMerge,
  ProposedMerges,
} from "../../ports/proposed-merges.ts";
import { createGitEnvironment, type GitAccess } from "./environment.ts";
import { complaint, readFailure } from "./errors.ts";
import { DEFAULT_TIMEOUTS, initMirror, type Mirror, openMirror, type Timeouts } from "./mirror.ts";
import { OBJECT_ID } from "./objects.ts";
import { createTurn } from "./turn.ts";

export interface ProposedMergesOptions {
  /** As for the source. */
  readonly url: string;
  /** The branch that is obeyed. */
  readonly branch: string;
  /** Of a bare repository of its own; safe to delete while we do not run. */
  readonly directory: string;
  readonly access?: GitAccess;
  readonly timeouts?: Partial<Timeouts>;
}

/** What one proposal may take to come in: a larger one holds up the others no longer than this. */
const FETCH_MS = 2 * MINUTE_MS;
/** Nothing that came in is ever dropped, so the copy is made anew after so many fetches. */
const FETCHES_PER_COPY = 2_000;
/** Files in conflict that are named. */
const PATHS_MAX = 50;
const BASE = "refs/factory/review/base";
/** git-merge-tree: clean, and with conflicts. */
const CLEAN = 0;
const CONFLICTS = 1;
/** Equal merges are equal commits. */
const NOBODY = {
  GIT_AUTHOR_NAME: "factory",
  GIT_AUTHOR_EMAIL: "factory@factory.invalid",
  GIT_AUTHOR_DATE: "@0 +0000",
  GIT_COMMITTER_NAME: "factory",
  GIT_COMMITTER_EMAIL: "factory@factory.invalid",
  GIT_COMMITTER_DATE: "@0 +0000",
};

export function createProposedMerges(options: ProposedMergesOptions): ProposedMerges {
  const directory = resolve(options.directory);
  const environment = createGitEnvironment({ url: options.url, access: options.access });
  const timeouts: Timeouts = { ...DEFAULT_TIMEOUTS, fetchMs: FETCH_MS, ...options.timeouts };
  const place = { directory, environment, timeouts };
  const baseRef = `refs/heads/${options.branch}`;
  const inTurn = createTurn();
  let copy: Mirror | null = null;
  let fetches = 0;

  async function opened(like: string): Promise<Mirror> {
    const format = like.length === 64 ? "sha256" : "sha1";
    if (copy !== null && fetches < FETCHES_PER_COPY && (await copy.format()) === format) return copy;
    await mkdir(dirname(directory), { recursive: true });
    const there = copy === null ? await openMirror(place) : null;
    if (there === null || (await there.format()) !== format) {
      await rm(directory, { recursive: true, force: true });
      copy = await initMirror(place, format);
    } else copy = there;
    fetches = 0;
    return copy;
  }

  async function bring(mirror: Mirror, refspec: string, signal: AbortSignal): Promise<"brought" | "gone"> {
    fetches += 1;
    const fetched = await mirror.fetch([refspec], { signal });
    if (fetched.exitCode === 0) return "brought";
    if (readFailure(fetched) === "RefMissing") return "gone";
    const message = environment.redact(complaint(fetched, timeouts.fetchMs));
    throw new FactoryError("merge/unreachable", "retry", `the proposal cannot be fetched: ${message}`);
  }

  async function merge(request: MergeRequest, signal: AbortSignal): Promise<ProposedMerge> {
    const { base, head, headRef } = request;
    if (!OBJECT_ID.test(base) || !OBJECT_ID.test(head) || !/^refs\/[\w./-]{1,200}$/.test(headRef))
      throw new FactoryError("merge/failed", "stall", `${headRef} at ${head} is no commit of a proposal`);
    const mirror = await opened(base);
    const headHere = localRef(headRef);
    if ((await mirror.ref(headHere)) !== head) {
      if ((await bring(mirror, `+${headRef}:${headHere}`, signal)) === "gone") return { type: "moved" };
      if ((await mirror.ref(headHere)) !== head) return { type: "moved" };
    }
    if (!(await mirror.has(base))) await bring(mirror, `+${baseRef}:${BASE}`, signal);
    if (!(await mirror.has(base))) return { type: "moved" };
    return await mergeIn(mirror, { base, head }, signal);
  }

  async function mergeIn(
    mirror: Mirror,
    { base, head }: Pick<MergeRequest, "base" | "head">,
    signal: AbortSignal,
  ): Promise<ProposedMerge> {
    const args = ["merge-tree", "--write-tree", "--no-messages", "--name-only", "-z", base, head];
    const outcome = await mirror.local(args, { signal });
    const [tree = "", ...paths] = outcome.stdout.toString("utf8").split("\0");
    if (outcome.exitCode === CONFLICTS)
      return {
        type: "conflict",
        paths: [...new Set(paths)].filter((path) => path !== "").slice(0, PATHS_MAX),
      };
    if (outcome.exitCode !== CLEAN || !OBJECT_ID.test(tree)) {
      const message = complaint(outcome, timeouts.localMs);
      throw new FactoryError("merge/failed", "stall", `${head.slice(0, 12)} cannot be merged: ${message}`);
    }
    const commit = await mirror.ask(["commit-tree", tree, "-p", base, "-p", head, "-m", "proposed"], {
      signal,
      env: NOBODY,
    });
    return { type: "merged", directory, commit: commit.trim() };
  }

  /** Whether it is here, after asking for it where it should be, and then by its own name. */
  async function has(mirror: Mirror, { commit, ref }: ProposedCommit, signal: AbortSignal): Promise<boolean> {
    if (await mirror.has(commit)) return true;
    if (ref === null) await bring(mirror, `+${baseRef}:${BASE}`, signal);
    else await bring(mirror, `+${ref}:${localRef(ref)}`, signal);
    if (await mirror.has(commit)) return true;
    // Pushed over since. A forge may still give it out; that it does not is no trouble.
    await mirror.fetch([`+${commit}:${localRef(commit)}`], { signal });
    return await mirror.has(commit);
  }

  async function read<T>(
    asked: ProposedCommit,
    use: (directory: string) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T | null> {
    if (!OBJECT_ID.test(asked.commit) || (asked.ref !== null && !/^refs\/[\w./-]{1,200}$/.test(asked.ref)))
      return null;
    const mirror = await opened(asked.commit);
    return (await has(mirror, asked, signal)) ? await use(directory) : null;
  }

  async function changes({ from, paths, max }: ChangesRequest, signal: AbortSignal): Promise<BranchChanges> {
    const mirror = await opened(from);
    if (!OBJECT_ID.test(from) || !(await has(mirror, { commit: from, ref: null }, signal)))
      throw new FactoryError("merge/unreachable", "retry", `commit ${from} is not at the origin`);
    const args = ["log", "--first-parent", `--max-count=${max + 1}`, "--format=%H %P", from, "--", ...paths];
    const text = await mirror.ask(args, { signal, env: { GIT_LITERAL_PATHSPECS: "1" } });
    const found = text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => {
        const [commit = "", before = null] = line.split(" ");
        return { commit, before };
      });
    return { changes: found.slice(0, max), complete: found.length <= max };
  }

  return {
    merge: (request, signal) => inTurn(() => merge(request, signal)),
    read: (commit, use, signal) => inTurn(() => read(commit, use, signal)),
    changes: (request, signal) => inTurn(() => changes(request, signal)),
  };
}

/** What comes from outside is no name of ours. */
function localRef(name: string): string {
  return `refs/factory/review/${createHash("sha256").update(name).digest("hex").slice(0, 16)}`;
}
