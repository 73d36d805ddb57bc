/**
 * How a state is kept: a snapshot now and then, and what changed since, one change for each commit. A state is its
 * snapshot with its changes, in their order.
 */
import type { CloneState } from "../model/clone-state.ts";
import { frozen } from "../model/frozen.ts";
import { type Change, changeBetween, withChange } from "./delta.ts";

/**
 * Changes between two snapshots. With the rule below it is what bounds small states; a record is read back by reading
 * each snapshot and at most so many changes.
 */
export const CHANGES_MAX = 32;

/** What is kept of a state, and what it takes to read it back. */
export interface KeptState {
  readonly state: CloneState;
  /** Characters of the newest snapshot. */
  readonly snapshotLength: number;
  /** Changes since then, and the characters of all of them. */
  readonly changes: number;
  readonly changesLength: number;
}

export interface StateWrite {
  /** A snapshot takes the place of everything that was kept before. */
  readonly type: "snapshot" | "change";
  readonly text: string;
  readonly kept: KeptState;
}

/**
 * What is to be written so that `next` is kept where `kept` was. As long as the changes together are shorter than their
 * snapshot, one more is written: then a commit costs about twice its change, and a record at most twice its states.
 *
 * `next` is frozen: the next change is told from it.
 */
export function stateWrite(kept: KeptState | null, next: CloneState): StateWrite {
  const state = frozen(next);
  if (kept !== null && kept.changes < CHANGES_MAX) {
    const text = JSON.stringify(changeBetween(kept.state, state) ?? {});
    const changesLength = kept.changesLength + text.length;
    if (changesLength < kept.snapshotLength)
      return { type: "change", text, kept: { ...kept, state, changes: kept.changes + 1, changesLength } };
  }
  const text = JSON.stringify(state);
  return {
    type: "snapshot",
    text,
    kept: { state, snapshotLength: text.length, changes: 0, changesLength: 0 },
  };
}

/** Reads back what `stateWrite` had written: a snapshot and its changes, in their order. Throws for texts that do not belong together. */
export function keptState(snapshot: string, changes: readonly string[]): KeptState {
  let state = JSON.parse(snapshot) as unknown;
  let changesLength = 0;
  for (const text of changes) {
    changesLength += text.length;
    state = withChange(state, JSON.parse(text) as Change);
  }
  return {
    state: state as CloneState,
    snapshotLength: snapshot.length,
    changes: changes.length,
    changesLength,
  };
}
