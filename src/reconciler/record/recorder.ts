import { type Calendar, createCalendar } from "../../core/model/calendar.ts";
import type { CloneState } from "../../core/model/clone-state.ts";
import { asFactoryError } from "../../core/model/error.ts";
import type { CloneEvent } from "../../core/model/event.ts";
import type { FleetState } from "../../core/model/fleet-state.ts";
import type { Signal } from "../../core/model/instance.ts";
import type { OutboxRow } from "../../core/model/notice.ts";
import type { Happening } from "../../core/notify/notices.ts";
import { NO_CHANGE, type OutboxChange } from "../../core/notify/route.ts";
import type { RecordProblem } from "../../core/status/record-problem.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { NewEffect, Receipt, Store, StoredEffect } from "../../ports/store.ts";
import { createEntryQueue, type WaitingEntry } from "./entry-queue.ts";
import { knownRecord } from "./known.ts";
import { createListeners, type Listeners } from "./listeners.ts";
import { createOpenEffects } from "./open-effects.ts";
import type { RightToAct } from "./right-to-act.ts";
import type { SettingChanges } from "./settings.ts";
import {
  beginTransaction,
  type EntryMaker,
  type FleetEntryMaker,
  type FleetRecorded,
  type Recorded,
  type Transaction,
} from "./transaction.ts";
import { loadUpgraded } from "./upgrade.ts";
import { type WriteTrouble, watchWrites } from "./write-trouble.ts";

/**
 * The only door to the record. Everything that happens to a clone goes through
 * `write`, and what happens to the fleet through `writeFleet`, in one order: decide, then commit events,
 * states, effects and receipts together, then let the world know. What is not committed has not happened.
 *
 * Everything is written under the term of the right to act. Once that is lost nothing is written and no
 * effect is told any more: every write rejects with `lease/lost`.
 */
export interface Recorder {
  readonly states: ReadonlyMap<string, CloneState>;
  /** The fleet as a whole. A part of it in which nothing changed keeps its object. */
  readonly fleet: FleetState;
  readonly signals: ReadonlyMap<string, Signal>;
  readonly settings: ReadonlyMap<string, string>;
  /** Resolves when it is durable. Entries that wait at the same time share one transaction. */
  write(clone: string, make: EntryMaker): Promise<Recorded>;
  /** The same for the fleet; the entries of both share transactions. */
  writeFleet(make: FleetEntryMaker): Promise<FleetRecorded>;
  putSignal(signal: Signal): Promise<void>;
  /** What decides nothing; entries of all kinds share transactions. */
  putSettings(settings: SettingChanges): Promise<void>;
  /** Answers that are to be the same when they are asked for again, where no event goes with them. */
  putReceipts(receipts: readonly Receipt[]): Promise<void>;
  /** Notices that were not delivered yet, in the order of their first writing. */
  readonly outbox: ReadonlyMap<string, OutboxRow>;
  /** What became of notices, and what there is to tell beside the events of clones. Durable on return; a repeat does nothing. */
  writeOutbox(change: OutboxChange): Promise<void>;
  /** Effects that were recorded and not settled, from before this controller. */
  readonly unsettled: readonly StoredEffect[];
  /** Whether an effect is on record and not settled; asked while writing, it knows what a commit with a lost answer did. */
  isOpen(effect: string): boolean;
  /** Why nothing can be written, and since when; null again with the first write that succeeds. */
  problem(): RecordProblem | null;
  onEffects(listener: (effects: readonly NewEffect[]) => void): void;
  onChange(listener: (change: Recorded) => void): void;
  onFleet(listener: (change: FleetRecorded) => void): void;
  onOutbox(listener: (change: OutboxChange) => void): void;
  /** Resolves when nothing waits to be written. */
  idle(): Promise<void>;
}

const NOTHING = { events: [], states: [], effects: [], settled: [], receipts: [], settings: {} } as const;

export async function openRecorder(parts: {
  store: Store;
  clock: Clock;
  log: Log;
  right: Pick<RightToAct, "term" | "lost" | "lose">;
  /** What people are told of an event, written in the transaction that records it. */
  tell?: (happening: Happening, outbox: ReadonlyMap<string, OutboxRow>) => OutboxChange;
  calendar?: Calendar;
}): Promise<Recorder> {
  const { store, clock, log, right, calendar = createCalendar() } = parts;
  const { term } = right;
  // First of all: what somebody with an older term still writes is refused from here on, so what is loaded stays true.
  if ((await store.term()) < term) await store.commit({ ...NOTHING, term, at: clock.now() });
  const stored = await loadUpgraded(store, { term, clock, log });
  const known = knownRecord(stored);
  const effects = createOpenEffects(stored.effects, log);
  const trouble = watchWrites({ clock, log, right });
  const changes = createListeners<Recorded>(log);
  const fleetChanges = createListeners<FleetRecorded>(log);
  const outboxChanges = createListeners<OutboxChange>(log);
  /** A commit failed, so it is not known whether it took effect: look before the next one. */
  let doubtful = false;

  function assertRight(): void {
    const lost = right.lost();
    if (lost !== null) throw lost;
  }

  async function reload(): Promise<void> {
    const found = await store.load();
    const before = known.fleet;
    known.replace(found);
    outboxChanges.tell(NO_CHANGE);
    if (known.fleet.version !== before.version)
      fleetChanges.tell({ before, after: known.fleet, at: clock.now() });
    doubtful = false;
    effects.replace(found.effects);
  }

  async function commit(entries: readonly WaitingEntry[]): Promise<void> {
    try {
      assertRight();
      if (doubtful) await reload();
    } catch (error) {
      for (const one of entries) one.reject(asFactoryError(error));
      return;
    }
    const transaction = beginTransaction({ at: clock.now(), now: known, log, tell: parts.tell, calendar });
    const added = addAll(entries, transaction);
    const batch = transaction.batch();
    try {
      if (batch !== null) {
        await store.commit({ term, ...batch });
        trouble.written();
      }
    } catch (error) {
      const failure = trouble.refused(error);
      doubtful = true;
      for (const { entry } of added) entry.reject(failure);
      return;
    }
    if (batch !== null) known.take(batch);
    for (const { goOn } of added) goOn();
    if (batch === null) return;
    effects.take(batch);
    const { put, removed } = batch.outbox ?? NO_CHANGE;
    if (put.length + removed.length > 0) outboxChanges.tell({ put, removed });
  }

  const queue = createEntryQueue(commit);
  return {
    states: known.states,
    settings: known.settings,
    outbox: known.outbox,
    get fleet() {
      return known.fleet;
    },
    ...createSignals({ stored: stored.signals, store, term, trouble, assertRight }),
    write: (clone, make) => queue.submit((into) => into.addClone(clone, make), tellOf(changes)),
    writeFleet: (make) => queue.submit((into) => into.addFleet(make), tellOf(fleetChanges)),
    writeOutbox: (change) => queue.submit((into) => into.addSide(change)),
    putReceipts: (receipts) => queue.submit((into) => into.addSide({ ...NO_CHANGE, receipts })),
    putSettings: (settings) => queue.submit((transaction) => transaction.addSide({ ...NO_CHANGE, settings })),
    unsettled: stored.effects,
    isOpen: effects.isOpen,
    problem: trouble.problem,
    onEffects: effects.onEffects,
    onChange: changes.add,
    onFleet: fleetChanges.add,
    onOutbox: outboxChanges.add,
    idle: queue.idle,
  };
}

/** Listeners are told of what made a difference. */
function tellOf<T extends { readonly before: unknown; readonly after: unknown }>(
  listeners: Listeners<T>,
): (recorded: T) => void {
  return (recorded) => {
    if (recorded.after !== recorded.before) listeners.tell(recorded);
  };
}

/** Puts each entry into the transaction; one that cannot be made is refused alone. */
function addAll(
  entries: readonly WaitingEntry[],
  transaction: Transaction,
): readonly { readonly entry: WaitingEntry; readonly goOn: () => void }[] {
  return entries.flatMap((entry) => {
    try {
      return [{ entry, goOn: entry.add(transaction) }];
    } catch (error) {
      entry.reject(error);
      return [];
    }
  });
}

/** The newest heartbeat of each clone. Heard is heard: a full disk of ours must not make an instance silent. */
function createSignals(parts: {
  stored: readonly Signal[];
  store: Store;
  term: number;
  trouble: WriteTrouble;
  assertRight: () => void;
}): Pick<Recorder, "signals" | "putSignal"> {
  const { store, term, trouble, assertRight } = parts;
  const signals = new Map(parts.stored.map((signal) => [signal.heartbeat.clone, signal]));
  return {
    signals,
    async putSignal(signal) {
      assertRight();
      const before = signals.get(signal.heartbeat.clone);
      if (before === undefined || isNewer(signal, before)) signals.set(signal.heartbeat.clone, signal);
      try {
        await store.putSignals([signal], term);
        trouble.written();
      } catch (error) {
        throw trouble.refused(error);
      }
    },
  };
}

function isNewer({ heartbeat }: Signal, { heartbeat: before }: Signal): boolean {
  if (heartbeat.epoch !== before.epoch) return heartbeat.epoch > before.epoch;
  return heartbeat.seq > before.seq;
}

/** Records events as they are, whatever the state. */
export function recordEvents(
  recorder: Recorder,
  clone: string,
  ...events: readonly CloneEvent[]
): Promise<Recorded> {
  return recorder.write(clone, () => ({ events }));
}
