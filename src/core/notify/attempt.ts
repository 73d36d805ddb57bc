/** What one attempt to deliver means for its row. */
import { fractionOf } from "../model/jitter.ts";
import type { DeadReason, OutboxRow } from "../model/notice.ts";
import { HOUR_MS, type Instant } from "../model/time.ts";
import { WAIT_MAX_MS, waitAfterFailure } from "./schedule.ts";

/** What a destination answered. */
export type DeliveryResult =
  | { readonly type: "delivered" }
  /** Not now. `afterMs`: what it asked for. */
  | { readonly type: "retry"; readonly message: string; readonly afterMs?: number }
  /** Never, whatever is sent again. */
  | { readonly type: "refused"; readonly message: string }
  /** It wants nothing more. */
  | { readonly type: "gone"; readonly message: string };

export type AttemptOutcome =
  | { readonly type: "done" }
  | { readonly type: "later"; readonly row: OutboxRow }
  | { readonly type: "dead"; readonly row: OutboxRow };

/** What was not taken within a day is set aside; it is never dropped. */
export const GIVE_UP_AFTER_MS = 24 * HOUR_MS;
/** And not before this many attempts, so that a clock that jumped ahead gives nothing up. */
export const GIVE_UP_ATTEMPTS_MIN = 10;
/** Characters of a receiver's answer that are kept. */
const PROBLEM_MAX = 300;

export function afterAttempt(row: OutboxRow, result: DeliveryResult, at: Instant): AttemptOutcome {
  if (result.type === "delivered") return { type: "done" };
  const tried: OutboxRow = {
    ...row,
    attempts: row.attempts + 1,
    lastAttemptAt: at,
    lastProblem: result.message.slice(0, PROBLEM_MAX),
  };
  if (result.type === "refused") return { type: "dead", row: died(tried, "Refused", at) };
  if (result.type === "gone") return { type: "dead", row: died(tried, "Gone", at) };
  if (at - row.createdAt >= GIVE_UP_AFTER_MS && tried.attempts >= GIVE_UP_ATTEMPTS_MIN)
    return { type: "dead", row: died(tried, "Undelivered", at) };
  const asked = result.afterMs ?? null;
  const waitMs = asked ?? waitAfterFailure(tried.attempts, fractionOf(`${row.id}#${tried.attempts}`));
  return {
    type: "later",
    row: { ...tried, nextAttemptAt: at + Math.min(waitMs, WAIT_MAX_MS), waitAsked: asked !== null },
  };
}

export function died(row: OutboxRow, reason: DeadReason, at: Instant): OutboxRow {
  return { ...row, dead: { since: at, reason } };
}

/** Sent again from the beginning of the schedule, under the same id: the receiver may have had it. */
export function replayed(row: OutboxRow, at: Instant): OutboxRow {
  return { ...row, createdAt: at, attempts: 0, nextAttemptAt: at, waitAsked: false, dead: null };
}

/**
 * Whether it is time. Good news from the destination since the last attempt ends a wait of our
 * own; a wait longer than any that we begin was begun before the clock was put back.
 */
export function isDue(row: OutboxRow, now: Instant, goodNewsAt: Instant | null): boolean {
  if (row.nextAttemptAt <= now || row.nextAttemptAt - now > WAIT_MAX_MS) return true;
  return (
    !row.waitAsked && goodNewsAt !== null && row.lastAttemptAt !== null && goodNewsAt > row.lastAttemptAt
  );
}
