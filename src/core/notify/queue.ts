/** Which of the waiting notices may go now: one at a time per destination and key, the oldest first. */
import type { OutboxRow } from "../model/notice.ts";
import type { Instant } from "../model/time.ts";
import { isDue } from "./attempt.ts";
import { type Circuit, mayAttempt } from "./circuit.ts";

/** What is known of a destination right now. */
export interface DestinationWork {
  readonly circuit: Circuit;
  /** When it last took something. */
  readonly goodNewsAt: Instant | null;
  /** It wants nothing more, and its declaration has not changed since. */
  readonly gone: boolean;
  /** Keys that are under destination. */
  readonly underWay: ReadonlySet<string>;
}

/** Attempts under way at one destination. */
const AT_ONCE_MAX = 4;

/**
 * The oldest row of each destination and key that is no dead letter: what comes behind it waits for
 * it, and nobody else does.
 */
export function headsOf(rows: Iterable<OutboxRow>): readonly OutboxRow[] {
  const heads = new Map<string, OutboxRow>();
  for (const row of rows) {
    const lane = `${row.destination}\n${row.key}`;
    if (row.dead === null && !heads.has(lane)) heads.set(lane, row);
  }
  return [...heads.values()];
}

/** Those heads of one destination that are to be tried now. While its circuit is open that is at most one. */
export function ready(
  heads: readonly OutboxRow[],
  destination: DestinationWork,
  now: Instant,
): readonly OutboxRow[] {
  if (destination.gone || !mayAttempt(destination.circuit, now)) return [];
  const free = (destination.circuit.openedAt === null ? AT_ONCE_MAX : 1) - destination.underWay.size;
  if (free <= 0) return [];
  return heads
    .filter((row) => !destination.underWay.has(row.key) && isDue(row, now, destination.goodNewsAt))
    .slice(0, free);
}
