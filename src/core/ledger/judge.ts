/** May this be done? The rules of the effect ledger, as functions of a row and of what is asked. */
import type { ActionRow } from "../model/action.ts";
import { type Instant, MINUTE_MS } from "../model/time.ts";

/** Claims of a finished action within the window, after which its lane is frozen: one happens after a restart, two are a pattern. */
export const DUPLICATES_MAX = 2;
export const DUPLICATE_WINDOW_MS = 10 * MINUTE_MS;

/** Who asks. Of one clone at most one agent lives, and only the newest may speak. */
export interface Doer {
  readonly epoch: number;
  readonly agent: number;
}

export interface ClaimContext extends Doer {
  readonly digest: string;
  readonly now: Instant;
  /** When a person last let the lane go on after this action had frozen it; null when nobody did. */
  readonly releasedAt: Instant | null;
}

export type ClaimVerdict =
  /** Not done and nobody is at it: reserve it, then it may be done. */
  | { readonly type: "reserve" }
  /** It is done: here is what came of it. `freeze` when it was asked too often. */
  | { readonly type: "replay"; readonly duplicates: number; readonly freeze: boolean }
  /** Something else was claimed under this key. */
  | { readonly type: "conflict" }
  /** The same agent is at it already. */
  | { readonly type: "in_progress" }
  /** Nobody knows whether it was done. `news`: the ledger did not say so yet. */
  | { readonly type: "verify"; readonly news: boolean }
  /** Nobody knows, and a person let the lane go on without it. */
  | { readonly type: "skip" };

/** Never answers `reserve` for what was done, may have been done, or is being done. */
export function judgeClaim(row: ActionRow | null, claim: ClaimContext): ClaimVerdict {
  if (row === null || row.state === "failed") return { type: "reserve" };
  if (row.digest !== claim.digest) return { type: "conflict" };
  switch (row.state) {
    case "committed": {
      const since = Math.max(claim.now - DUPLICATE_WINDOW_MS, claim.releasedAt ?? Number.NEGATIVE_INFINITY);
      const duplicates = row.duplicates.filter((at) => at > since).length + 1;
      return { type: "replay", duplicates, freeze: duplicates >= DUPLICATES_MAX };
    }
    case "reserved":
      return isSame(row, claim) ? { type: "in_progress" } : { type: "verify", news: true };
    case "unknown": {
      const released = claim.releasedAt !== null && claim.releasedAt >= (row.settledAt ?? row.reservedAt);
      return released ? { type: "skip" } : { type: "verify", news: false };
    }
  }
}

export type Completion =
  | { readonly type: "done" | "failed" }
  /** After a look at the world outside. `unverifiable`: the look did not tell. */
  | { readonly type: "verified"; readonly found: "done" | "not_done" | "unverifiable" };

export type CompletionVerdict =
  | { readonly type: "commit" | "fail"; readonly verified: boolean }
  /** Nobody can tell: a person has to. */
  | { readonly type: "freeze" }
  /** It stands in the ledger like that already. */
  | { readonly type: "repeat" }
  | { readonly type: "refuse"; readonly because: string };

/** What the end of an action means, as the epoch that may speak for the lane tells it. */
export function judgeCompletion(row: ActionRow | null, completion: Completion, by: Doer): CompletionVerdict {
  if (row === null) return { type: "refuse", because: "nothing was claimed under this key" };
  const says =
    completion.type === "verified" ? completion.found : completion.type === "done" ? "done" : "not_done";
  if (row.state === "committed") {
    return says === "done" ? { type: "repeat" } : { type: "refuse", because: "it is on record as done" };
  }
  if (row.state === "failed") {
    return says === "not_done"
      ? { type: "repeat" }
      : { type: "refuse", because: "it is on record as not done; claim it again before it is done" };
  }
  const own = row.state === "reserved" && isSame(row, by);
  if (!own && completion.type !== "verified") {
    return {
      type: "refuse",
      because: `epoch ${row.epoch} began it; look whether it was done and say what was found (\`verified\`)`,
    };
  }
  if (says === "unverifiable") return { type: "freeze" };
  return { type: says === "done" ? "commit" : "fail", verified: completion.type === "verified" };
}

function isSame(row: Doer, other: Doer): boolean {
  return row.epoch === other.epoch && row.agent === other.agent;
}
