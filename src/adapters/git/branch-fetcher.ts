import { FactoryError } from "../../core/model/error.ts";
import type { Log } from "../../ports/log.ts";
import type { SourceErrorReason, SourceResult } from "../../ports/source.ts";
import { complaint, readFailure } from "./errors.ts";
import { CANDIDATE, type FetchOptions, type Mirror, type Timeouts, type Tip, tidy } from "./mirror.ts";
import type { GitOutcome } from "./process.ts";

/** What was fetched last: the commit with its parents, and its files as long as nobody has read them. */
export interface Candidate extends Tip {
  readonly listing?: Buffer | undefined;
}

export interface BranchFetcher {
  /** Makes sure that a commit of the branch is in the mirror, and answers which. */
  bring(
    place: Mirror,
    want: { readonly head: string; readonly signal: AbortSignal },
  ): Promise<Candidate | SourceResult>;
  /** Fetches without having listed. Null when that did not work: then the branch is listed, which tells why. */
  fetchUnlisted(place: Mirror, signal: AbortSignal): Promise<string | null>;
}

/** Each fetch adds a pack or loose objects; after so many it is worth to look whether git wants to tidy up. */
const FETCHES_PER_HOUSEKEEPING = 50;

export function createBranchFetcher(parts: {
  readonly ref: string;
  readonly timeouts: Timeouts;
  readonly log: Log;
  /** Whether the commit was accepted before: then it is there, whatever was fetched since. */
  readonly isAccepted: (commit: string) => boolean;
  readonly fail: (reason: SourceErrorReason, message: string) => SourceResult;
}): BranchFetcher {
  const { ref, timeouts, log } = parts;
  /** Of the mirror that it was fetched into: another one may stand in its place. */
  let last: { readonly place: Mirror; readonly candidate: Candidate | null } | null = null;
  let fetches = 0;

  async function fetch(place: Mirror, more: FetchOptions): Promise<GitOutcome> {
    const { tip, listing, ...outcome } = await place.fetchTip({ from: ref, to: CANDIDATE }, more);
    if (outcome.exitCode !== 0) return outcome;
    // A tree that could not be listed is listed again in its turn, which tells why.
    last = { place, candidate: tip === null ? null : { ...tip, listing: listing ?? undefined } };
    fetches += 1;
    if (fetches % FETCHES_PER_HOUSEKEEPING === 0) {
      const problem = await tidy(place);
      if (problem !== null) log.warn("the mirror could not be tidied up", { reason: problem });
    }
    return outcome;
  }

  async function candidateIn(place: Mirror): Promise<Candidate | null> {
    if (last?.place !== place) last = { place, candidate: await place.tip(CANDIDATE) };
    const { candidate } = last;
    // A listing is large, and is used at once or never.
    if (candidate?.listing !== undefined) last = { place, candidate: { ...candidate, listing: undefined } };
    return candidate;
  }

  return {
    async bring(place, { head, signal }) {
      const before = await candidateIn(place);
      if (head === before?.commit) return before;
      if (parts.isAccepted(head)) return { commit: head, parents: [] };
      const outcome = await fetch(place, { signal });
      if (outcome.exitCode !== 0) {
        const reason = readFailure(outcome);
        const message = complaint(outcome, timeouts.fetchMs);
        // Whether it is the origin that is broken or our copy, a new copy will tell.
        if (reason === "Corrupt") throw new FactoryError("git/failed", "retry", message);
        return parts.fail(reason, message);
      }
      // The branch may have moved on between the two questions: what was fetched counts.
      return (await candidateIn(place)) ?? parts.fail("Corrupt", `${ref} does not point to a commit`);
    },
    async fetchUnlisted(place, signal) {
      // Within the time of a listing: one that hangs must not keep the listing from telling so.
      const { exitCode } = await fetch(place, { signal, timeoutMs: timeouts.listMs });
      return exitCode === 0 ? (last?.candidate?.commit ?? null) : null;
    },
  };
}
