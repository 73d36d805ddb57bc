import { FactoryError } from "../../core/model/error.ts";
import type { Snapshot } from "../../ports/source.ts";
import type { MirrorKeeper } from "./mirror-keeper.ts";
import { readSnapshot } from "./snapshot.ts";

/** Trees that were read whole, the newest in memory. */
export interface SnapshotCache {
  has(revision: string): boolean;
  /** Rejects with `source/unknown-revision` when the mirror is not there. `listing`: of the commit, where `listTree` was asked already. */
  of(revision: string, signal: AbortSignal | undefined, listing?: Buffer): Promise<Snapshot>;
  clear(): void;
}

/** Snapshots that stay in memory: the newest, and those that running missions are judged by. */
const SNAPSHOTS_MAX = 8;

export function createSnapshotCache(keeper: MirrorKeeper): SnapshotCache {
  const snapshots = new Map<string, Snapshot>();

  /** As the newest; the oldest leaves when there are too many. */
  function keep(revision: string, snapshot: Snapshot): Snapshot {
    snapshots.delete(revision);
    snapshots.set(revision, snapshot);
    for (const oldest of snapshots.keys()) {
      if (snapshots.size <= SNAPSHOTS_MAX) break;
      snapshots.delete(oldest);
    }
    return snapshot;
  }

  return {
    has: (revision) => snapshots.has(revision),
    async of(revision, signal, listing) {
      const known = snapshots.get(revision);
      if (known !== undefined) return keep(revision, known);
      const mirror = await keeper.open();
      if (mirror === null) throw unknownRevision(revision);
      const snapshot = await readSnapshot({
        mirror,
        revision,
        signal,
        listing,
        reader: keeper.reader,
        onDamage() {
          keeper.damaged = true;
        },
      });
      return keep(revision, snapshot);
    },
    clear: () => snapshots.clear(),
  };
}

export function unknownRevision(revision: string): FactoryError {
  return new FactoryError("source/unknown-revision", "stall", `there is no commit ${revision} in the mirror`);
}
