import type { DatabaseSync } from "node:sqlite";
import type { Signal } from "../../../core/model/instance.ts";
import { isNewerSignal } from "../../../core/record/order.ts";
import type { GroupCommit } from "./group-commit.ts";

/**
 * Keeps the newest heartbeat of every clone, durably.
 *
 * Whatever arrives before the next transaction is written in it, once per
 * clone: ten heartbeats of one clone cost one row, a thousand clones one flush
 * of the disk. Everybody who waits for that transaction gets its answer.
 */
export function createSignalWriter(
  db: DatabaseSync,
  commits: GroupCommit,
): (signals: readonly Signal[]) => Promise<void> {
  const put = db.prepare(
    `INSERT INTO signals (clone, epoch, seq, received_at, heartbeat) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (clone) DO UPDATE SET
       epoch = excluded.epoch, seq = excluded.seq, received_at = excluded.received_at, heartbeat = excluded.heartbeat
     WHERE (excluded.epoch, excluded.seq) > (signals.epoch, signals.seq)`,
  );
  let waiting = new Map<string, Signal>();
  let written: Promise<void> | null = null;

  return (signals) => {
    if (signals.length === 0) return Promise.resolve();
    for (const signal of signals) {
      const { clone } = signal.heartbeat;
      const other = waiting.get(clone);
      if (!other || isNewerSignal(signal.heartbeat, other.heartbeat)) waiting.set(clone, signal);
    }
    written ??= commits.submit(() => {
      // From here on, newcomers belong to the next transaction.
      const batch = waiting;
      waiting = new Map();
      written = null;
      for (const { heartbeat, receivedAt } of batch.values()) {
        put.run(heartbeat.clone, heartbeat.epoch, heartbeat.seq, receivedAt, JSON.stringify(heartbeat));
      }
    });
    return written;
  };
}
