import type { DatabaseSync } from "node:sqlite";
import type { CloneState } from "../../../core/model/clone-state.ts";
import { FactoryError, messageOf } from "../../../core/model/error.ts";
import { type StoredState, upgradeState } from "../../../core/model/upgrade-state.ts";
import { type KeptState, keptState, stateWrite } from "../../../core/record/state-writes.ts";

/** The states of the record: per clone a snapshot, and what changed since. */
export interface StateTable {
  /** Of every clone, by name. */
  load(): readonly CloneState[];
  /** 0 for a clone without a state. */
  version(clone: string): number;
  /** Inside of a transaction. Freezes the state. */
  put(state: CloneState): void;
  /** What was put for these clones did not become part of the record; null: for all of them. */
  takeBack(clones: Iterable<string> | null): void;
}

export function createStateTable(db: DatabaseSync, file: string): StateTable {
  const snapshots = db.prepare("SELECT clone, state FROM state_snapshots ORDER BY clone");
  const allChanges = db.prepare("SELECT clone, change FROM state_changes ORDER BY clone, id");
  const snapshot = db.prepare("SELECT state FROM state_snapshots WHERE clone = ?");
  const changes = db.prepare("SELECT change FROM state_changes WHERE clone = ? ORDER BY id");
  const putSnapshot = db.prepare(
    `INSERT INTO state_snapshots (clone, version, state) VALUES (?, ?, ?)
     ON CONFLICT (clone) DO UPDATE SET version = excluded.version, state = excluded.state`,
  );
  const addChange = db.prepare("INSERT INTO state_changes (clone, version, change) VALUES (?, ?, ?)");
  const dropChanges = db.prepare("DELETE FROM state_changes WHERE clone = ?");
  /** What stands in the tables, of the clones that were written since we opened them. The state is the writer's own object, frozen. */
  const known = new Map<string, KeptState>();

  function read(clone: string, text: string, changed: readonly string[]): KeptState {
    try {
      return keptState(text, changed);
    } catch (error) {
      throw new FactoryError(
        "store/corrupt",
        "crash",
        `the state of clone ${clone} in ${file} cannot be read: its snapshot and its ${changed.length} changes do not belong together (${messageOf(error)})`,
        { cause: error },
      );
    }
  }

  function kept(clone: string): KeptState | null {
    const there = known.get(clone);
    if (there !== undefined) return there;
    const row = snapshot.get(clone);
    if (row === undefined) return null;
    const found = read(
      clone,
      String(row["state"]),
      changes.all(clone).map(({ change }) => String(change)),
    );
    known.set(clone, found);
    return found;
  }

  return {
    load() {
      const byClone = Map.groupBy(allChanges.all(), ({ clone }) => String(clone));
      return snapshots.all().map((row) => {
        const clone = String(row["clone"]);
        const changed = (byClone.get(clone) ?? []).map(({ change }) => String(change));
        const { state } = read(clone, String(row["state"]), changed);
        return upgradeState(state as StoredState);
      });
    },

    version: (clone) => kept(clone)?.state.version ?? 0,

    put(state) {
      const { name, version } = state;
      const before = kept(name);
      const write = stateWrite(before, state);
      if (write.type === "change") addChange.run(name, version, write.text);
      else {
        putSnapshot.run(name, version, write.text);
        if (before !== null && before.changes > 0) dropChanges.run(name);
      }
      known.set(name, write.kept);
    },

    takeBack(clones) {
      if (clones === null) known.clear();
      else for (const clone of clones) known.delete(clone);
    },
  };
}
