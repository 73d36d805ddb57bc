/** One transaction of the record while it is put together: entries are decided one after the other, each on what the ones before it made. */
import { decide } from "../../core/clone/decide.ts";
import { decideFleet } from "../../core/fleet/decide.ts";
import type { ActionRow } from "../../core/model/action.ts";
import type { Calendar } from "../../core/model/calendar.ts";
import { type CloneState, initialState } from "../../core/model/clone-state.ts";
import type { CloneEvent } from "../../core/model/event.ts";
import type { FleetEvent } from "../../core/model/fleet-event.ts";
import type { FleetState } from "../../core/model/fleet-state.ts";
import type { OutboxRow } from "../../core/model/notice.ts";
import type { Instant } from "../../core/model/time.ts";
import type { Happening } from "../../core/notify/notices.ts";
import type { OutboxChange } from "../../core/notify/route.ts";
import type { Log } from "../../ports/log.ts";
import type { Batch, NewEffect, NewEvent, Receipt } from "../../ports/store.ts";

/** What a caller wants recorded about one clone, worked out when its turn has come. */
export interface Entry {
  readonly events: readonly CloneEvent[];
  readonly receipts?: readonly Receipt[];
  /** Effects that are done with this entry. */
  readonly settled?: readonly string[];
  /** Rows of the effect ledger after these events, which happened at that moment. */
  readonly actions?: (at: Instant) => readonly ActionRow[];
}

/** Given the state as it is at that moment; answers null when there is nothing to record after all. */
export type EntryMaker = (state: CloneState) => Entry | null;

export interface Recorded {
  readonly before: CloneState;
  readonly after: CloneState;
  readonly at: number;
}

/** What a caller wants recorded about the fleet, with the notices that people get of it. */
export interface FleetEntry {
  readonly events: readonly FleetEvent[];
  readonly outbox?: OutboxChange;
}

/**
 * Given the fleet's state as it is at that moment, and that moment. A fact that was recorded meanwhile is seen in
 * it, so nothing is decided twice: who works out the events in here, and not before, decides each once.
 */
export type FleetEntryMaker = (fleet: FleetState, at: Instant) => FleetEntry | null;

export interface FleetRecorded {
  readonly before: FleetState;
  readonly after: FleetState;
  readonly at: number;
}

/** What is beside the chain: settings, receipts, and notices that no event of this transaction tells of. */
export interface SideChange extends OutboxChange {
  readonly receipts?: readonly Receipt[];
  readonly settings?: Readonly<Record<string, string | null>>;
}

/** The record as it is stored, before the transaction. */
export interface RecordNow {
  readonly states: ReadonlyMap<string, CloneState>;
  readonly fleet: FleetState;
  readonly outbox: ReadonlyMap<string, OutboxRow>;
}

export interface Transaction {
  /** Throws what `make` throws, and then nothing of the entry is in the transaction. */
  addClone(clone: string, make: EntryMaker): Recorded;
  /** The same for the fleet. */
  addFleet(make: FleetEntryMaker): FleetRecorded;
  addSide(change: SideChange): void;
  /** Null when there is nothing to write. */
  batch(): Omit<Batch, "term"> | null;
}

export interface TransactionParts {
  readonly at: Instant;
  readonly now: RecordNow;
  readonly log: Log;
  readonly calendar?: Calendar;
  /** What people are told of an event of a clone. */
  readonly tell: ((happening: Happening, outbox: ReadonlyMap<string, OutboxRow>) => OutboxChange) | undefined;
}

export function beginTransaction(parts: TransactionParts): Transaction {
  const { at, now, log, calendar } = parts;
  const working = new Map<string, CloneState>();
  let fleet = now.fleet;
  const events: NewEvent[] = [];
  const effects: NewEffect[] = [];
  const receipts: Receipt[] = [];
  const settled: string[] = [];
  const actions: ActionRow[] = [];
  const settings: Record<string, string | null> = {};
  const put: OutboxRow[] = [];
  const removed: string[] = [];

  function addOutbox(change: OutboxChange): void {
    put.push(...change.put);
    removed.push(...change.removed);
  }

  function sayIgnored(clone: string | null, type: string, because: string | undefined): void {
    if (because !== undefined) log.debug("event changed nothing", { clone, event: type, because });
  }

  return {
    addClone(clone, make) {
      const before = working.get(clone) ?? now.states.get(clone) ?? initialState(clone, at);
      const entry = make(before);
      let after = before;
      // Put together first: an entry that fails half way leaves nothing of itself in the batch.
      const added: NewEvent[] = [];
      const wanted: NewEffect[] = [];
      const notices: OutboxChange[] = [];
      for (const event of entry?.events ?? []) {
        const decision = decide(after, event, at, calendar);
        const { state } = decision;
        if (parts.tell !== undefined)
          notices.push(parts.tell({ before: after, after: state, event, at }, now.outbox));
        after = state;
        for (const [index, effect] of decision.effects.entries())
          wanted.push({ id: `${clone}/${state.version}/${index}`, clone, effect });
        sayIgnored(clone, event.type, decision.ignored);
        const missionId = (before.mission ?? after.mission)?.missionId ?? null;
        added.push({ clone, missionId, event });
      }
      const rows = entry?.actions?.(at) ?? [];
      events.push(...added);
      effects.push(...wanted);
      for (const change of notices) addOutbox(change);
      receipts.push(...(entry?.receipts ?? []));
      settled.push(...(entry?.settled ?? []));
      actions.push(...rows);
      if (after !== before) working.set(clone, after);
      return { before, after, at };
    },

    addFleet(make) {
      const before = fleet;
      const entry = make(before, at);
      let after = before;
      const added: NewEvent[] = [];
      for (const event of entry?.events ?? []) {
        const decision = decideFleet(after, event, at);
        after = decision.state;
        sayIgnored(null, event.type, decision.ignored);
        added.push({ clone: null, missionId: null, event });
      }
      events.push(...added);
      if (entry?.outbox !== undefined) addOutbox(entry.outbox);
      fleet = after;
      return { before, after, at };
    },

    addSide(change) {
      addOutbox(change);
      receipts.push(...(change.receipts ?? []));
      Object.assign(settings, change.settings ?? {});
    },

    batch() {
      const empty =
        events.length + receipts.length + settled.length + put.length + removed.length === 0 &&
        Object.keys(settings).length === 0;
      if (empty) return null;
      return {
        at,
        events,
        states: [...working.values()],
        ...(fleet === now.fleet ? {} : { fleet }),
        effects,
        settled,
        receipts,
        settings,
        ...(actions.length === 0 ? {} : { actions }),
        outbox: { put, removed },
      };
    },
  };
}
