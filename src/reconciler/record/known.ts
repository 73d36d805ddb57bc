import type { CloneState } from "../../core/model/clone-state.ts";
import type { FleetState } from "../../core/model/fleet-state.ts";
import type { OutboxRow } from "../../core/model/notice.ts";
import type { Batch, StoredEffect } from "../../ports/store.ts";

/** What is on the record, in memory: what a batch changes, or all of it as it was found on the disk. */
export interface KnownRecord {
  readonly states: ReadonlyMap<string, CloneState>;
  /** A part of it in which nothing changed keeps its object. */
  readonly fleet: FleetState;
  readonly settings: ReadonlyMap<string, string>;
  readonly outbox: ReadonlyMap<string, OutboxRow>;
  /** What was written is what is known. */
  take(batch: Omit<Batch, "term">): void;
  /** The record on the disk is the truth. */
  replace(found: FoundRecord): void;
}

export interface FoundRecord {
  readonly states: readonly CloneState[];
  readonly fleet: FleetState;
  readonly settings: Readonly<Record<string, string>>;
  readonly outbox: readonly OutboxRow[];
  readonly effects: readonly StoredEffect[];
}

export function knownRecord(stored: FoundRecord): KnownRecord {
  const states = new Map<string, CloneState>();
  const settings = new Map<string, string>();
  const outbox = new Map<string, OutboxRow>();
  let fleet = stored.fleet;

  function take(batch: Pick<Batch, "states" | "fleet" | "settings" | "outbox">): void {
    for (const state of batch.states) states.set(state.name, state);
    fleet = batch.fleet ?? fleet;
    for (const [key, value] of Object.entries(batch.settings)) {
      if (value === null) settings.delete(key);
      else settings.set(key, value);
    }
    for (const id of batch.outbox?.removed ?? []) outbox.delete(id);
    for (const row of batch.outbox?.put ?? []) outbox.set(row.id, row);
  }

  function replace(found: FoundRecord): void {
    for (const kept of [states, settings, outbox]) kept.clear();
    take({ ...found, outbox: { put: found.outbox, removed: [] } });
  }

  replace(stored);
  return {
    states,
    settings,
    outbox,
    get fleet() {
      return fleet;
    },
    take,
    replace,
  };
}
