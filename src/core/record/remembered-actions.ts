/**
 * What instances did after the last publication, as their shims have it on the disk: the ledger that was published is
 * behind by as much, and what is missing in it would be done a second time.
 */

import { onActionRemembered } from "../clone/conduct/agent-actions.ts";
import { recalled } from "../ledger/recall.ts";
import { foldAction } from "../ledger/row.ts";
import type { ActionRow } from "../model/action.ts";
import type { CloneState } from "../model/clone-state.ts";
import type { Instant } from "../model/time.ts";
import type { FoundInstance } from "./rebuild.ts";

interface Lane {
  readonly state: CloneState;
  /** Of the lane's mission, as they were published. */
  readonly rows: readonly ActionRow[];
}

/**
 * The ledger and its counts, after everything that the lane's instances remember, oldest first. Also of a mission that
 * was assigned after the last publication: it will have the same id when it is assigned again, and must find what was done for it.
 */
export function withRemembered(lane: Lane, instances: readonly FoundInstance[], at: Instant): Lane {
  const { mission, name: clone, past } = lane.state;
  const closed = new Set(past.map(({ missionId }) => missionId));
  const rows = new Map(lane.rows.map((row) => [rowKey(row), row]));
  let { state } = lane;
  for (const { handle, remembered, missionId: served } of byEpoch(instances)) {
    const missionId = served ?? mission?.missionId ?? null;
    // What is closed is never claimed again.
    if (missionId === null || closed.has(missionId)) continue;
    for (const one of remembered ?? []) {
      const place = rowKey({ missionId, key: one.key });
      const before = rows.get(place) ?? null;
      // Whoever holds it now came later and knows more.
      if (before !== null && before.epoch > handle.epoch) continue;
      const event = recalled(before, one, { key: one.key, epoch: handle.epoch });
      if (event === null) continue;
      const row = foldAction(before, event, { missionId, clone, at });
      if (row !== null) rows.set(place, row);
      if (missionId === mission?.missionId) state = onActionRemembered(state, event).state;
    }
  }
  return { state, rows: [...rows.values()] };
}

function rowKey({ missionId, key }: Pick<ActionRow, "missionId" | "key">): string {
  return `${missionId}/${key}`;
}

/**
 * Whether every epoch that may have acted since the lane was published has told what it did. Where an epoch is over, and
 * its folder is here, it is known that folders were not lost.
 */
export function isWitnessed(
  { instance, epoch }: CloneState,
  instances: readonly FoundInstance[],
  highest: number,
): boolean {
  const telling = new Set(
    instances.filter(({ remembered }) => remembered !== null).map(({ handle }) => handle.epoch),
  );
  const from = instance === null ? epoch + 1 : instance.epoch;
  if (from > highest) return epoch === 0 || telling.has(epoch);
  for (let acting = from; acting <= highest; acting += 1) if (!telling.has(acting)) return false;
  return true;
}

function byEpoch(instances: readonly FoundInstance[]): readonly FoundInstance[] {
  return [...instances].sort((a, b) => a.handle.epoch - b.handle.epoch);
}
