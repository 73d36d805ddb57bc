import type { DatabaseSync } from "node:sqlite";
import type { Signal } from "../../../core/model/instance.ts";
import { isNewerSignal } from "../../../core/record/order.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { TermGuard } from "./term.ts";

/**
 * Keeps the newest heartbeat of every clone, durably.
 *
 * Whatever arrives before the next transaction is written in it, once per
 * clone: ten heartbeats of one clone cost one row, a thousand clones one flush
 * of the disk. Everybody who waits for that transaction gets its answer.
 */
export function createSignalWriter(
  db: DatabaseSync,
  { commits, terms }: { readonly commits: GroupCommit; readonly terms: TermGuard },
): (signals: readonly Signal[], term: number) => Promise<void> {
  const put = db.prepare(
    `INSERT INTO signals (clone, epoch, seq, received_at, heartbeat) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (clone) DO UPDATE SET
       epoch = excluded.epoch, seq = excluded.seq, received_at = excluded.received_at, heartbeat = excluded.heartbeat
     WHERE (excluded.epoch, excluded.seq) > (signals.epoch, signals.seq)`,
  );
  /** What waits for the next transaction, by term: one that is refused takes nothing of another with it. */
  const waiting = new Map<
    number,
    { readonly newest: Map<string, Signal>; readonly written: Promise<void> }
  >();

  function begin(term: number): { readonly newest: Map<string, Signal>; readonly written: Promise<void> } {
    const newest = new Map<string, Signal>();
    const written = commits.submit(() => {
      // From here on, newcomers belong to the next transaction.
      waiting.delete(term);
      terms.admit(term);
      for (const { heartbeat, receivedAt } of newest.values()) {
        put.run(heartbeat.clone, heartbeat.epoch, heartbeat.seq, receivedAt, JSON.stringify(heartbeat));
      }
    });
    const begun = { newest, written };
    waiting.set(term, begun);
    // A transaction that could not even begin has not run its jobs: the next heartbeats ask for another one.
    written.catch(() => {
      if (waiting.get(term) === begun) waiting.delete(term);
    });
    return begun;
  }

  return (signals, term) => {
    if (signals.length === 0) return Promise.resolve();
    const { newest, written } = waiting.get(term) ?? begin(term);
    for (const signal of signals) {
      const { clone } = signal.heartbeat;
      const other = newest.get(clone);
      if (!other || isNewerSignal(signal.heartbeat, other.heartbeat)) newest.set(clone, signal);
    }
    return written;
  };
}
