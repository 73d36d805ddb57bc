/** Where the status branch stands at the origin, and the tree of that commit: everything that a publication compares with. */
import { mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { FactoryError } from "../../core/model/error.ts";
import type { Log } from "../../ports/log.ts";
import type { GitEnvironment } from "./environment.ts";
import { complaint, readFailure } from "./errors.ts";
import { initMirror, type Mirror, type ObjectFormat, openMirror, type Timeouts, tidy } from "./mirror.ts";
import { listRemoteRefs } from "./remote-ref.ts";
import type { StatusDelta } from "./status-commit.ts";
import { OWN } from "./status-proof.ts";
import { parseTree } from "./tree.ts";

/** The tree of one commit of the branch, by path. */
export interface StatusTip {
  readonly commit: string;
  readonly files: Map<string, TipFile>;
}
export interface TipFile {
  readonly type: string;
  readonly blob: string;
  readonly size: number;
}

export interface TipKeeper {
  /** Where the branch stands at the origin, and the kind of ids it uses. Rejects `status/…`. */
  ask(signal: AbortSignal): Promise<{ readonly commit: string | null; readonly format: ObjectFormat }>;
  /** Our repository, made anew when the origin has changed the kind of its ids. */
  placeFor(format: ObjectFormat): Promise<Mirror>;
  /** Fetches a commit of the branch where it is not here yet, and reads its tree. */
  bring(place: Mirror, commit: string, signal: AbortSignal): Promise<StatusTip>;
  /** The tree of a commit that is here already. */
  treeOf(place: Mirror, commit: string, signal: AbortSignal): Promise<StatusTip>;
  /** What was pushed is the tip from now on. */
  remember(
    place: Mirror,
    pushed: { base: StatusTip | null; commit: string; delta: StatusDelta },
  ): Promise<void>;
  /** History back to so many commits, where a first fetch brought only the tip. Best effort. */
  deepen(place: Mirror, commits: number, signal: AbortSignal): Promise<void>;
  /** Throws our repository away: everything in it can be had again from the origin. */
  startOver(): Promise<void>;
}

const TIP = "refs/factory/status-tip";
const PUSHES_PER_HOUSEKEEPING = 50;

export function createTipKeeper(options: {
  readonly directory: string;
  readonly environment: GitEnvironment;
  readonly timeouts: Timeouts;
  readonly ref: string;
  readonly log: Log;
}): TipKeeper {
  const { directory, environment, timeouts, ref, log } = options;
  let mirror: Mirror | null = null;
  let tip: StatusTip | null = null;
  let pushes = 0;

  async function ask(signal: AbortSignal): Promise<{ commit: string | null; format: ObjectFormat }> {
    await mkdir(dirname(directory), { recursive: true });
    const request = {
      environment,
      gitDir: directory,
      names: [ref, "HEAD"],
      timeoutMs: timeouts.listMs,
      signal,
    };
    const listed = await listRemoteRefs(request);
    if (listed.type === "error") throw failure(listed.reason === "Unauthorized", listed.message);
    const commit = listed.refs.get(ref) ?? null;
    const sample = commit ?? listed.refs.get("HEAD");
    return { commit, format: sample?.length === 64 ? "sha256" : "sha1" };
  }

  async function placeFor(format: ObjectFormat): Promise<Mirror> {
    mirror ??= await openMirror(options);
    if (mirror !== null && (await mirror.format()) !== format) await startOver();
    mirror ??= await initMirror(options, format);
    return mirror;
  }

  async function startOver(): Promise<void> {
    mirror = null;
    tip = null;
    await rm(directory, { recursive: true, force: true });
  }

  async function bring(place: Mirror, commit: string, signal: AbortSignal): Promise<StatusTip> {
    if (tip?.commit === commit) return tip;
    const before = await place.ref(TIP);
    if (before !== commit) {
      // The history before our first look is of no use here, and may be long.
      const depth = before === null ? ["--depth=1"] : [];
      const outcome = await place.fetch([`+${ref}:${TIP}`], { signal, options: depth });
      if (outcome.exitCode !== 0) {
        const reason = readFailure(outcome);
        throw failure(reason === "Unauthorized", environment.redact(complaint(outcome, timeouts.fetchMs)));
      }
    }
    return await treeOf(place, (await place.ref(TIP)) ?? commit, signal);
  }

  async function treeOf(place: Mirror, commit: string, signal: AbortSignal): Promise<StatusTip> {
    if (tip?.commit === commit) return tip;
    const listing = await place.askBytes(["ls-tree", "-r", "-z", "-l", "--full-tree", commit], { signal });
    tip = { commit, files: new Map(parseTree(listing).map((entry) => [entry.path, entry])) };
    return tip;
  }

  async function deepen(place: Mirror, commits: number, signal: AbortSignal): Promise<void> {
    await place.fetch([`+${ref}:${TIP}`], { signal, options: [`--depth=${commits}`] });
  }

  async function remember(
    place: Mirror,
    pushed: { base: StatusTip | null; commit: string; delta: StatusDelta },
  ): Promise<void> {
    const { base, commit, delta } = pushed;
    await place.update([`update ${TIP} ${commit}`, `update ${OWN} ${commit}`]);
    const files = base?.files ?? new Map<string, TipFile>();
    const clean = delta.replacesFolders ? null : { commit, files };
    for (const path of delta.removed) files.delete(path);
    for (const { path, blob, size } of delta.written) files.set(path, { type: "file", blob, size });
    tip = clean;
    pushes += 1;
    if (pushes % PUSHES_PER_HOUSEKEEPING !== 0) return;
    const problem = await tidy(place);
    if (problem !== null) log.warn("the status repository could not be tidied up", { reason: problem });
  }

  return {
    ask,
    placeFor,
    bring,
    treeOf,
    deepen,
    remember,
    startOver,
  };
}

export function failure(unauthorized: boolean, message: string): FactoryError {
  return unauthorized
    ? new FactoryError("status/unauthorized", "stall", message)
    : new FactoryError("status/unreachable", "retry", message);
}
