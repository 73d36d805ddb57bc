/** One look at the obeyed branch: list, fetch, compare histories, read the tree, accept, answer. */
import { FactoryError } from "../../core/model/error.ts";
import { holdsDocuments } from "../../ports/documents.ts";
import type { Log } from "../../ports/log.ts";
import type { Snapshot, SourceErrorReason, SourceResult } from "../../ports/source.ts";
import type { GitEnvironment } from "./environment.ts";
import { complaint, readFailure } from "./errors.ts";
import { acceptCommit, compareHistories, rewriteMessage } from "./history.ts";
import { CANDIDATE, type Mirror, type ObjectFormat, type Timeouts, tidy } from "./mirror.ts";
import type { MirrorKeeper } from "./mirror-keeper.ts";
import { rebuildMirror } from "./rebuild.ts";
import { listRemoteRefs } from "./remote-ref.ts";
import { readPermit } from "./rewrite-permit.ts";
import { isDamage } from "./snapshot.ts";
import type { SnapshotCache } from "./snapshot-cache.ts";

export interface BranchReader {
  /** Throws only where git or the disk fails in a way that it does not know; `fail` puts that into words. */
  look(signal: AbortSignal): Promise<SourceResult>;
  fail(reason: SourceErrorReason, message: string): SourceResult;
  /** A new copy of the origin may be made once more for a commit that was given up. */
  allowAnotherRebuild(): void;
}

export interface BranchReaderParts {
  readonly directory: string;
  /** In full: `refs/heads/main`. */
  readonly ref: string;
  readonly environment: GitEnvironment;
  readonly timeouts: Timeouts;
  readonly keeper: MirrorKeeper;
  readonly snapshots: SnapshotCache;
  readonly log: Log;
}

type Read = Extract<SourceResult, { snapshot: Snapshot }>;

export function createBranchReader(parts: BranchReaderParts): BranchReader {
  const { directory, ref, environment, timeouts, keeper, snapshots, log } = parts;
  let current: Read | null = null;
  let rebuiltFor: string | null = null;
  const fetched = createFetcher(parts, fail);

  function fail(reason: SourceErrorReason, message: string): SourceResult {
    return { type: "error", reason, message: environment.redact(message), lastGood: keeper.accepted };
  }

  async function look(signal: AbortSignal): Promise<SourceResult> {
    await keeper.open();
    const timeoutMs = timeouts.listMs;
    const listed = await listRemoteRefs({ environment, gitDir: directory, names: [ref], timeoutMs, signal });
    if (listed.type === "error") return fail(listed.reason, listed.message);
    const head = listed.refs.get(ref);
    if (head === undefined) return fail("RefMissing", `${ref} does not exist at ${environment.url}`);
    if (current?.snapshot.revision === head && !keeper.damaged) {
      const same: Read = current.changed ? { ...current, changed: false } : current;
      current = same;
      return same;
    }
    if (!keeper.damaged) {
      try {
        return await take(head, signal);
      } catch (error) {
        if (!isDamage(error) || signal.aborted || rebuiltFor === head) throw error;
        log.warn("the mirror is damaged", { reason: error instanceof Error ? error.message : String(error) });
      }
    }
    return await takeFromNewCopy(head, signal);
  }

  /** Once for each commit: a second copy of the same origin would be no better. */
  async function takeFromNewCopy(head: string, signal: AbortSignal): Promise<SourceResult> {
    if (rebuiltFor === head) return fail("Corrupt", "the mirror is damaged, and a new copy did not help");
    const problem = await rebuildMirror({
      options: { directory, environment, timeouts },
      format: formatOf(head),
      ref,
      accepted: keeper.accepted,
      signal,
    });
    if (problem === null || problem.reason === "Corrupt") rebuiltFor = head;
    if (problem !== null) return fail(problem.reason, problem.message);
    keeper.forget();
    return await take(head, signal);
  }

  /** Brings a commit of the branch in and answers with it, when it may follow the one before. */
  async function take(listedHead: string, signal: AbortSignal): Promise<SourceResult> {
    const place = await mirrorFor(listedHead, parts);
    if (typeof place === "string") return fail("HistoryRewritten", place);
    const head = await fetched(place, { head: listedHead, signal });
    if (typeof head !== "string") return head;
    const step = { from: keeper.accepted ?? head, to: head };
    const how = await compareHistories(place, step);
    if (how === "refused") return fail("HistoryRewritten", rewriteMessage(ref, step));
    const snapshot = await snapshots.of(head, signal);
    await acceptCommit(place, { from: keeper.accepted, to: head, how });
    keeper.accepted = head;
    const type = holdsDocuments(snapshot.entries) ? "ok" : "verified_empty";
    const read: Read = { type, snapshot, changed: current?.snapshot !== snapshot };
    current = read;
    return read;
  }

  return {
    look,
    fail,
    allowAnotherRebuild() {
      rebuiltFor = null;
    },
  };
}

/** The mirror, made for ids like `head`. Answers with a refusal when the origin has changed to the other kind. */
async function mirrorFor(head: string, parts: BranchReaderParts): Promise<Mirror | string> {
  const { keeper, snapshots, directory, ref } = parts;
  const format = formatOf(head);
  const place = await keeper.made(format);
  if ((await place.format()) === format) return place;
  if (keeper.accepted !== null) {
    const permit = await readPermit(directory);
    const step = { from: keeper.accepted, to: head };
    if (permit?.from !== step.from || permit.to !== head) return rewriteMessage(ref, step);
  }
  snapshots.clear();
  return await keeper.remake(format);
}

/** Each fetch adds a pack or loose objects; after so many it is worth to look whether git wants to tidy up. */
const FETCHES_PER_HOUSEKEEPING = 50;

/** Makes sure that a commit of the branch is in the mirror, and answers which. */
function createFetcher(
  { ref, timeouts, keeper, log }: BranchReaderParts,
  fail: BranchReader["fail"],
): (place: Mirror, want: { head: string; signal: AbortSignal }) => Promise<string | SourceResult> {
  let fetches = 0;
  return async (place, { head, signal }) => {
    if (head === keeper.accepted || head === (await place.ref(CANDIDATE))) return head;
    const outcome = await place.fetch([`+${ref}:${CANDIDATE}`], { signal });
    if (outcome.exitCode !== 0) {
      const reason = readFailure(outcome);
      const message = complaint(outcome, timeouts.fetchMs);
      // Whether it is the origin that is broken or our copy, a new copy will tell.
      if (reason === "Corrupt") throw new FactoryError("git/failed", "retry", message);
      return fail(reason, message);
    }
    fetches += 1;
    if (fetches % FETCHES_PER_HOUSEKEEPING === 0) {
      const problem = await tidy(place);
      if (problem !== null) log.warn("the mirror could not be tidied up", { reason: problem });
    }
    // The branch may have moved on between the two questions: what was fetched counts.
    return (await place.ref(CANDIDATE)) ?? fail("Corrupt", `${ref} does not point to a commit`);
  };
}

function formatOf(id: string): ObjectFormat {
  return id.length === 40 ? "sha1" : "sha256";
}
