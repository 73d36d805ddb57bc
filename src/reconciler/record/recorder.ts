import { type Calendar, createCalendar } from "../../core/model/calendar.ts";
import type { CloneState } from "../../core/model/clone-state.ts";
import { asFactoryError, type FactoryError } from "../../core/model/error.ts";
import type { CloneEvent } from "../../core/model/event.ts";
import type { FleetState } from "../../core/model/fleet-state.ts";
import type { Signal } from "../../core/model/instance.ts";
import type { OutboxRow } from "../../core/model/notice.ts";
import { type Instant, iso, MINUTE_MS } from "../../core/model/time.ts";
import type { Happening } from "../../core/notify/notices.ts";
import { NO_CHANGE, type OutboxChange } from "../../core/notify/route.ts";
import type { RecordProblem } from "../../core/status/record-problem.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { Batch, NewEffect, Store, StoredEffect } from "../../ports/store.ts";
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

/** Entries per transaction: enough to share one sync, few enough to answer soon. */
const ENTRIES_PER_COMMIT_MAX = 256;
/** Often enough to be found at the end of a log, seldom enough that the log does not fill what is left of the disk. */
const COMPLAIN_AGAIN_MS = MINUTE_MS;

const NOTHING = { events: [], states: [], effects: [], settled: [], receipts: [], settings: {} } as const;

/** Somebody who waits for an entry to be durable. */
interface Waiting {
  /** Puts it into the transaction; answers how to go on when that was written. */
  readonly add: (transaction: Transaction) => () => void;
  readonly reject: (error: unknown) => void;
}

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
  const states = new Map(stored.states.map((state) => [state.name, state]));
  let { fleet } = stored;
  const signals = new Map(stored.signals.map((signal) => [signal.heartbeat.clone, signal]));
  const settings = new Map(Object.entries(stored.settings));
  const effectListeners: ((effects: readonly NewEffect[]) => void)[] = [];
  const changeListeners: ((change: Recorded) => void)[] = [];
  const fleetListeners: ((change: FleetRecorded) => void)[] = [];
  const outboxListeners: ((change: OutboxChange) => void)[] = [];
  const outbox = new Map(stored.outbox.map((row) => [row.id, row]));
  let waiting: Waiting[] = [];
  let pumping: Promise<void> | null = null;
  /** Effects that listeners know of and that are not settled. */
  const asked = new Set(stored.effects.map((effect) => effect.id));
  /** A commit failed, so it is not known whether it took effect: look before the next one. */
  let doubtful = false;
  let problem: RecordProblem | null = null;
  let complainedAt: Instant = Number.NEGATIVE_INFINITY;

  /** A disk that is full refuses many times a second: people are told when it begins, now and then, and when it is over. */
  function refused(error: unknown): FactoryError {
    const failure = asFactoryError(error);
    if (failure.code === "store/fenced") {
      right.lose(failure);
      problem = null;
      return right.lost() ?? failure;
    }
    const now = clock.now();
    const removed = failure.code === "store/removed";
    problem = { since: problem?.since ?? now, message: failure.message, removed };
    if (Math.abs(now - complainedAt) >= COMPLAIN_AGAIN_MS) {
      complainedAt = now;
      log.error("the record could not be written", { code: failure.code, error: failure.message });
    }
    return failure;
  }

  function assertRight(): void {
    const lost = right.lost();
    if (lost !== null) throw lost;
  }

  function written(): void {
    if (problem === null) return;
    log.info("the record can be written again", { failedSince: iso(problem.since) });
    problem = null;
    complainedAt = Number.NEGATIVE_INFINITY;
  }

  /** `add` puts an entry into a transaction; `written` is called with its answer once that is durable. */
  function submit<T>(
    add: (transaction: Transaction) => T,
    written: (answer: T) => void = () => {},
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      waiting.push({
        reject,
        add(transaction) {
          const answer = add(transaction);
          return () => {
            written(answer);
            resolve(answer);
          };
        },
      });
      pumping ??= pump();
    });
  }

  async function pump(): Promise<void> {
    // One turn of the loop, so that entries that arrive together are written together.
    await Promise.resolve();
    while (waiting.length > 0) {
      const batch = waiting.slice(0, ENTRIES_PER_COMMIT_MAX);
      waiting = waiting.slice(batch.length);
      await commit(batch);
    }
    pumping = null;
  }

  /** The record on the disk is the truth; effects that came to light are told to the listeners. */
  async function reload(): Promise<void> {
    const found = await store.load();
    states.clear();
    for (const state of found.states) states.set(state.name, state);
    const before = fleet;
    ({ fleet } = found);
    settings.clear();
    applySettings(found.settings);
    outbox.clear();
    for (const row of found.outbox) outbox.set(row.id, row);
    tell(outboxListeners, NO_CHANGE);
    if (fleet.version !== before.version) tell(fleetListeners, { before, after: fleet, at: clock.now() });
    doubtful = false;
    const open = new Set(found.effects.map((effect) => effect.id));
    for (const id of asked) if (!open.has(id)) asked.delete(id);
    announce(found.effects.filter((effect) => !asked.has(effect.id)));
  }

  function announce(effects: readonly NewEffect[]): void {
    for (const effect of effects) asked.add(effect.id);
    if (effects.length > 0) tell(effectListeners, effects);
  }

  async function commit(entries: readonly Waiting[]): Promise<void> {
    try {
      assertRight();
      if (doubtful) await reload();
    } catch (error) {
      for (const one of entries) one.reject(asFactoryError(error));
      return;
    }
    const transaction = beginTransaction({
      at: clock.now(),
      now: { states, fleet, outbox },
      log,
      tell: parts.tell,
      calendar,
    });
    const done: { readonly waiting: Waiting; readonly goOn: () => void }[] = [];
    for (const one of entries) {
      try {
        done.push({ waiting: one, goOn: one.add(transaction) });
      } catch (error) {
        one.reject(error);
      }
    }
    const batch = transaction.batch();
    try {
      if (batch !== null) {
        await store.commit({ term, ...batch });
        written();
      }
    } catch (error) {
      const failure = refused(error);
      doubtful = true;
      for (const { waiting: one } of done) one.reject(failure);
      return;
    }
    if (batch !== null) take(batch);
    for (const { goOn } of done) goOn();
    if (batch === null) return;
    for (const id of batch.settled) asked.delete(id);
    announce(batch.effects);
    const { put, removed } = batch.outbox ?? NO_CHANGE;
    if (put.length + removed.length > 0) tell(outboxListeners, { put, removed });
  }

  /** What was written is what is known. */
  function take(batch: Omit<Batch, "term">): void {
    for (const state of batch.states) states.set(state.name, state);
    fleet = batch.fleet ?? fleet;
    applySettings(batch.settings);
    for (const id of batch.outbox?.removed ?? []) outbox.delete(id);
    for (const row of batch.outbox?.put ?? []) outbox.set(row.id, row);
  }

  /** What is recorded is recorded, whatever a listener makes of it. */
  function tell<T>(listeners: readonly ((news: T) => void)[], news: T): void {
    for (const listener of listeners) {
      try {
        listener(news);
      } catch (error) {
        log.error("a listener of the record failed", { error: String(error) });
      }
    }
  }

  function applySettings(changed: Readonly<Record<string, string | null>>): void {
    for (const [key, value] of Object.entries(changed)) {
      if (value === null) settings.delete(key);
      else settings.set(key, value);
    }
  }

  return {
    states,
    signals,
    settings,
    outbox,
    get fleet() {
      return fleet;
    },
    write: (clone, make) =>
      submit(
        (transaction) => transaction.addClone(clone, make),
        (recorded) => {
          if (recorded.after !== recorded.before) tell(changeListeners, recorded);
        },
      ),
    writeFleet: (make) =>
      submit(
        (transaction) => transaction.addFleet(make),
        (recorded) => {
          if (recorded.after !== recorded.before) tell(fleetListeners, recorded);
        },
      ),
    writeOutbox: (change) => submit((transaction) => transaction.addSide(change)),
    unsettled: stored.effects,
    isOpen: (effect) => asked.has(effect),
    problem: () => problem,
    async putSignal(signal) {
      const before = signals.get(signal.heartbeat.clone);
      const newer =
        before === undefined ||
        signal.heartbeat.epoch > before.heartbeat.epoch ||
        (signal.heartbeat.epoch === before.heartbeat.epoch && signal.heartbeat.seq > before.heartbeat.seq);
      assertRight();
      // Heard is heard: a disk of ours that is full must not make anybody silent.
      if (newer) signals.set(signal.heartbeat.clone, signal);
      try {
        await store.putSignals([signal], term);
        written();
      } catch (error) {
        throw refused(error);
      }
    },
    putSettings: (settings) => submit((transaction) => transaction.addSide({ ...NO_CHANGE, settings })),
    onEffects: (listener) => void effectListeners.push(listener),
    onChange: (listener) => void changeListeners.push(listener),
    onFleet: (listener) => void fleetListeners.push(listener),
    onOutbox: (listener) => void outboxListeners.push(listener),
    async idle() {
      while (pumping !== null) await pumping;
    },
  };
}

/** Records events as they are, whatever the state. */
export function recordEvents(
  recorder: Recorder,
  clone: string,
  ...events: readonly CloneEvent[]
): Promise<Recorded> {
  return recorder.write(clone, () => ({ events }));
}
