import { decide } from "../../core/clone/decide.ts";
import type { ActionRow } from "../../core/model/action.ts";
import { type Calendar, createCalendar } from "../../core/model/calendar.ts";
import { type CloneState, initialState } from "../../core/model/clone-state.ts";
import type { Effect } from "../../core/model/effect.ts";
import { asFactoryError, type FactoryError } from "../../core/model/error.ts";
import type { CloneEvent } from "../../core/model/event.ts";
import type { Signal } from "../../core/model/instance.ts";
import type { OutboxRow } from "../../core/model/notice.ts";
import { type Instant, iso, MINUTE_MS } from "../../core/model/time.ts";
import type { Happening } from "../../core/notify/notices.ts";
import { NO_CHANGE, type OutboxChange } from "../../core/notify/route.ts";
import type { RecordProblem } from "../../core/status/record-problem.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { NewEffect, NewEvent, Receipt, Store, StoredEffect } from "../../ports/store.ts";
import type { RightToAct } from "./right-to-act.ts";

/** What a caller wants recorded about one clone, worked out when its turn has come. */
export interface Entry {
  readonly events: readonly CloneEvent[];
  readonly receipts?: readonly Receipt[];
  /** Effects that are done with this entry. */
  readonly settled?: readonly string[];
  readonly settings?: Readonly<Record<string, string | null>>;
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

/**
 * The only door to the record. Everything that happens to a clone goes through
 * `write`, in one order: decide, then commit events, states, effects and
 * receipts together, then let the world know. What is not committed has not happened.
 *
 * Everything is written under the term of the right to act. Once that is lost nothing is written and no
 * effect is told any more: every write rejects with `lease/lost`.
 */
export interface Recorder {
  readonly states: ReadonlyMap<string, CloneState>;
  readonly signals: ReadonlyMap<string, Signal>;
  readonly settings: ReadonlyMap<string, string>;
  /** Resolves when it is durable. Entries that wait at the same time share one transaction. */
  write(clone: string, make: EntryMaker): Promise<Recorded>;
  putSignal(signal: Signal): Promise<void>;
  putSettings(settings: Readonly<Record<string, string | null>>): Promise<void>;
  /** Notices that were not delivered yet, in the order of their first writing. */
  readonly outbox: ReadonlyMap<string, OutboxRow>;
  /** What became of notices, and what there is to tell beside the events of clones. Durable on return; a repeat does nothing. */
  writeOutbox(change: OutboxWrite): Promise<void>;
  /** Effects that were recorded and not settled, from before this controller. */
  readonly unsettled: readonly StoredEffect[];
  /** Whether an effect is on record and not settled; asked while writing, it knows what a commit with a lost answer did. */
  isOpen(effect: string): boolean;
  /** Why nothing can be written, and since when; null again with the first write that succeeds. */
  problem(): RecordProblem | null;
  onEffects(listener: (effects: readonly NewEffect[]) => void): void;
  onChange(listener: (change: Recorded) => void): void;
  onOutbox(listener: (change: OutboxChange) => void): void;
  /** Resolves when nothing waits to be written. */
  idle(): Promise<void>;
}

export interface OutboxWrite extends OutboxChange {
  readonly settings?: Readonly<Record<string, string | null>>;
}

/** Entries per transaction: enough to share one sync, few enough to answer soon. */
const ENTRIES_PER_COMMIT_MAX = 256;
/** Often enough to be found at the end of a log, seldom enough that the log does not fill what is left of the disk. */
const COMPLAIN_AGAIN_MS = MINUTE_MS;

const NOTHING = { events: [], states: [], effects: [], settled: [], receipts: [], settings: {} } as const;

interface Waiting {
  readonly clone: string;
  readonly make: EntryMaker;
  readonly resolve: (recorded: Recorded) => void;
  readonly reject: (error: unknown) => void;
}

interface WaitingWrite {
  readonly write: OutboxWrite;
  readonly resolve: () => void;
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
  const stored = await store.load();
  const states = new Map(stored.states.map((state) => [state.name, state]));
  const signals = new Map(stored.signals.map((signal) => [signal.heartbeat.clone, signal]));
  const settings = new Map(Object.entries(stored.settings));
  const effectListeners: ((effects: readonly NewEffect[]) => void)[] = [];
  const changeListeners: ((change: Recorded) => void)[] = [];
  const outboxListeners: ((change: OutboxChange) => void)[] = [];
  const outbox = new Map(stored.outbox.map((row) => [row.id, row]));
  let waiting: Waiting[] = [];
  let writes: WaitingWrite[] = [];
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

  function write(clone: string, make: EntryMaker): Promise<Recorded> {
    return new Promise((resolve, reject) => {
      waiting.push({ clone, make, resolve, reject });
      pumping ??= pump();
    });
  }

  async function pump(): Promise<void> {
    // One turn of the loop, so that entries that arrive together are written together.
    await Promise.resolve();
    while (waiting.length > 0 || writes.length > 0) {
      const batch = waiting.slice(0, ENTRIES_PER_COMMIT_MAX);
      waiting = waiting.slice(batch.length);
      const told = writes;
      writes = [];
      await commit(batch, told);
    }
    pumping = null;
  }

  /** The record on the disk is the truth; effects that came to light are told to the listeners. */
  async function reload(): Promise<void> {
    const found = await store.load();
    states.clear();
    for (const state of found.states) states.set(state.name, state);
    settings.clear();
    applySettings(found.settings);
    outbox.clear();
    for (const row of found.outbox) outbox.set(row.id, row);
    tell(outboxListeners, NO_CHANGE);
    doubtful = false;
    const open = new Set(found.effects.map((effect) => effect.id));
    for (const id of asked) if (!open.has(id)) asked.delete(id);
    announce(found.effects.filter((effect) => !asked.has(effect.id)));
  }

  function announce(effects: readonly NewEffect[]): void {
    for (const effect of effects) asked.add(effect.id);
    if (effects.length > 0) tell(effectListeners, effects);
  }

  async function commit(batch: readonly Waiting[], told: readonly WaitingWrite[]): Promise<void> {
    try {
      assertRight();
      if (doubtful) await reload();
    } catch (error) {
      for (const one of [...batch, ...told]) one.reject(asFactoryError(error));
      return;
    }
    const at = clock.now();
    const working = new Map<string, CloneState>();
    const events: NewEvent[] = [];
    const effects: NewEffect[] = [];
    const receipts: Receipt[] = [];
    const settled: string[] = [];
    const actions: ActionRow[] = [];
    const changedSettings: Record<string, string | null> = {};
    const done: { waiting: Waiting; recorded: Recorded }[] = [];
    const put: OutboxRow[] = told.flatMap(({ write: one }) => one.put);
    const removed: string[] = told.flatMap(({ write: one }) => one.removed);
    for (const { write: one } of told) Object.assign(changedSettings, one.settings ?? {});
    for (const one of batch) {
      const before = working.get(one.clone) ?? states.get(one.clone) ?? initialState(one.clone, at);
      try {
        const entry = one.make(before);
        let after = before;
        const wanted: Effect[][] = [];
        const versions: number[] = [];
        // Put together first: an entry that fails half way leaves nothing of itself in the batch.
        const added: NewEvent[] = [];
        const notices: OutboxChange[] = [];
        for (const event of entry?.events ?? []) {
          const decision = decide(after, event, at, calendar);
          if (parts.tell !== undefined)
            notices.push(parts.tell({ before: after, after: decision.state, event, at }, outbox));
          after = decision.state;
          wanted.push([...decision.effects]);
          versions.push(after.version);
          if (decision.ignored !== undefined) {
            log.debug("event changed nothing", {
              clone: one.clone,
              event: event.type,
              because: decision.ignored,
            });
          }
          added.push({
            clone: one.clone,
            missionId: (before.mission ?? after.mission)?.missionId ?? null,
            event,
          });
        }
        events.push(...added);
        put.push(...notices.flatMap((change) => change.put));
        removed.push(...notices.flatMap((change) => change.removed));
        wanted.forEach((list, step) => {
          list.forEach((effect, index) => {
            effects.push({ id: `${one.clone}/${versions[step] ?? 0}/${index}`, clone: one.clone, effect });
          });
        });
        receipts.push(...(entry?.receipts ?? []));
        settled.push(...(entry?.settled ?? []));
        actions.push(...(entry?.actions?.(at) ?? []));
        Object.assign(changedSettings, entry?.settings ?? {});
        if (after !== before) working.set(one.clone, after);
        done.push({ waiting: one, recorded: { before, after, at } });
      } catch (error) {
        one.reject(error);
      }
    }
    try {
      if (
        events.length > 0 ||
        receipts.length > 0 ||
        settled.length > 0 ||
        put.length > 0 ||
        removed.length > 0 ||
        Object.keys(changedSettings).length > 0
      ) {
        await store.commit({
          term,
          at,
          events,
          states: [...working.values()],
          effects,
          settled,
          receipts,
          settings: changedSettings,
          ...(actions.length === 0 ? {} : { actions }),
          outbox: { put, removed },
        });
        written();
      }
    } catch (error) {
      const failure = refused(error);
      doubtful = true;
      for (const { waiting: one } of done) one.reject(failure);
      for (const one of told) one.reject(failure);
      return;
    }
    for (const [name, state] of working) states.set(name, state);
    applySettings(changedSettings);
    for (const id of removed) outbox.delete(id);
    for (const row of put) outbox.set(row.id, row);
    for (const { waiting: one, recorded } of done) {
      if (recorded.after !== recorded.before) tell(changeListeners, recorded);
      one.resolve(recorded);
    }
    for (const one of told) one.resolve();
    for (const id of settled) asked.delete(id);
    announce(effects);
    if (put.length + removed.length > 0) tell(outboxListeners, { put, removed });
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
    writeOutbox: (change) =>
      new Promise((resolve, reject) => {
        writes.push({ write: change, resolve, reject });
        pumping ??= pump();
      }),
    unsettled: stored.effects,
    isOpen: (effect) => asked.has(effect),
    problem: () => problem,
    write,
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
    async putSettings(changed) {
      assertRight();
      try {
        await store.commit({ ...NOTHING, term, at: clock.now(), settings: changed });
      } catch (error) {
        throw refused(error);
      }
      applySettings(changed);
    },
    onEffects: (listener) => void effectListeners.push(listener),
    onChange: (listener) => void changeListeners.push(listener),
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
