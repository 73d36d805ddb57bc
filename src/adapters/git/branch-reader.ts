/** One look at the obeyed branch: list and fetch, or fetch at once when it is said to have moved; compare histories, read the tree, accept, answer. */
import { holdsDocuments } from "../../ports/documents.ts";
import type { Log } from "../../ports/log.ts";
import type { Snapshot, SourceErrorReason, SourceResult } from "../../ports/source.ts";
import { createBranchFetcher } from "./branch-fetcher.ts";
import type { GitEnvironment } from "./environment.ts";
import { acceptCommit, compareHistories, rewriteMessage } from "./history.ts";
import type { Mirror, ObjectFormat, Timeouts } from "./mirror.ts";
import type { MirrorKeeper } from "./mirror-keeper.ts";
import { rebuildMirror } from "./rebuild.ts";
import { listRemoteRefs } from "./remote-ref.ts";
import { readPermit } from "./rewrite-permit.ts";
import { isDamage } from "./snapshot.ts";
import type { SnapshotCache } from "./snapshot-cache.ts";

export interface BranchReader {
  /** Throws only where git or the disk fails in a way that it does not know; `fail` puts that into words. */
  look(signal: AbortSignal, hint: { readonly moved: boolean }): Promise<SourceResult>;
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
  const fetcher = createBranchFetcher({
    ref,
    timeouts,
    log,
    isAccepted: (commit) => commit === keeper.accepted,
    fail,
  });

  function fail(reason: SourceErrorReason, message: string): SourceResult {
    return { type: "error", reason, message: environment.redact(message), lastGood: keeper.accepted };
  }

  async function listedHead(signal: AbortSignal): Promise<string | SourceResult> {
    const timeoutMs = timeouts.listMs;
    const listed = await listRemoteRefs({ environment, gitDir: directory, names: [ref], timeoutMs, signal });
    if (listed.type === "error") return fail(listed.reason, listed.message);
    return listed.refs.get(ref) ?? fail("RefMissing", `${ref} does not exist at ${environment.url}`);
  }

  async function look(signal: AbortSignal, { moved }: { readonly moved: boolean }): Promise<SourceResult> {
    const standing = await keeper.open();
    const unlisted = moved && current !== null && standing !== null && !keeper.damaged;
    const head =
      (unlisted ? await fetcher.fetchUnlisted(standing, signal) : null) ?? (await listedHead(signal));
    if (typeof head !== "string") return head;
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
  async function take(found: string, signal: AbortSignal): Promise<SourceResult> {
    const place = await mirrorFor(found, parts);
    if (typeof place === "string") return fail("HistoryRewritten", place);
    const brought = await fetcher.bring(place, { head: found, signal });
    if ("type" in brought) return brought;
    const { commit: head, parents, listing } = brought;
    const step = { from: keeper.accepted ?? head, to: head, parents };
    const how = await compareHistories(place, step);
    if (how === "refused") return fail("HistoryRewritten", rewriteMessage(ref, step));
    const snapshot = await snapshots.of(head, signal, listing);
    await acceptCommit(place, { from: keeper.accepted, to: head, how }, keeper.updater());
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

function formatOf(id: string): ObjectFormat {
  return id.length === 40 ? "sha1" : "sha256";
}
