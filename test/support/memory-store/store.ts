import type { ActionRow } from "../../../src/core/model/action.ts";
import type { CloneState } from "../../../src/core/model/clone-state.ts";
import type { Effect } from "../../../src/core/model/effect.ts";
import { FactoryError } from "../../../src/core/model/error.ts";
import type { CloneEvent } from "../../../src/core/model/event.ts";
import type { FleetEvent } from "../../../src/core/model/fleet-event.ts";
import { type FleetState, INITIAL_FLEET } from "../../../src/core/model/fleet-state.ts";
import { frozen } from "../../../src/core/model/frozen.ts";
import type { Signal } from "../../../src/core/model/instance.ts";
import type { OutboxRow } from "../../../src/core/model/notice.ts";
import { type ChainHead, EMPTY_CHAIN, eventText, linkHash } from "../../../src/core/record/chain.ts";
import { compareEffectIds, isNewerSignal } from "../../../src/core/record/order.ts";
import { NO_TERM, raisesTerm, type SeenTerm } from "../../../src/core/record/term.ts";
import { checkVersions, effectConflict, receiptConflict } from "../../../src/core/record/versions.ts";
import { type StoredLink, walkChain } from "../../../src/core/record/walk.ts";
import type { Lease } from "../../../src/ports/lease.ts";
import type {
  Batch,
  EventQuery,
  NewEvent,
  Receipt,
  Store,
  StoredEvent,
  StoredRecord,
} from "../../../src/ports/store.ts";
import { newestActions } from "../newest-actions.ts";

/** A `Store` without a disk, for the simulator and for tests: the same contract, no timers, the same order every time. */
export interface MemoryStore extends Store {
  /** Lies on the same disk: each `acquire` is granted, with the next term. */
  readonly lease: Lease;
  /**
   * What the next controller finds after this one was killed. Everything that
   * this object answered for is there; the object itself is dead and rejects
   * with `store/closed` from now on.
   */
  reopen(): MemoryStore;
  /** The same record for a second holder while the first one has it open, as two machines have it that share one. */
  share(): MemoryStore;
  /** The record as it is on the disk, for a witness who changes nothing. */
  peek(): Pick<StoredRecord, "states" | "fleet" | "effects" | "outbox">;
  /**
   * Makes the next commit reject with `store/io`: `before` it took effect, so
   * that nothing of it is there, or `after`, so that all of it is and only the answer was lost.
   */
  failNextCommit(when: "before" | "after"): void;
}

/** What survives a crash. Values are kept as text, so that nobody shares an object with the record. */
interface Disk {
  readonly events: StoredLink[];
  /** As they were read first, where they are frozen: by the sequence number. */
  readonly read: Map<number, CloneEvent | FleetEvent>;
  head: ChainHead;
  readonly states: Map<string, KeptState>;
  fleet: KeptFleet;
  readonly freezes: boolean;
  readonly effects: Map<
    string,
    { readonly clone: string; readonly text: string; readonly createdAt: number }
  >;
  readonly signals: Map<string, KeptSignal>;
  readonly receipts: Map<string, Receipt>;
  readonly settings: Map<string, string>;
  /** By `<mission>/<key>`. */
  readonly actions: Map<string, { readonly missionId: string; readonly text: string }>;
  /** By id, in the order of their first writing. */
  readonly outbox: Map<string, string>;
  term: SeenTerm;
  /** The stores that may use it: one as with the lock of a real file, or those that share it. */
  holders: ReadonlySet<object>;
}

interface KeptSignal {
  readonly epoch: number;
  readonly seq: number;
  readonly text: string | null;
  readonly signal: Signal | null;
}

/** With its text where it was written down, and as it came where it was frozen. */
interface Kept<State> {
  readonly version: number;
  readonly text: string | null;
  readonly state: State | null;
}
type KeptState = Kept<CloneState>;
type KeptFleet = Kept<FleetState>;

/**
 * `freezes`: states and signals are not written down at every commit but frozen, which costs a tenth, and an event is
 * read once and frozen; whoever changes one of them gets a TypeError. What is loaded is a copy either way.
 */
export function createMemoryStore(options: { readonly freezes?: boolean } = {}): MemoryStore {
  return reopenDisk({
    freezes: options.freezes ?? false,
    events: [],
    read: new Map(),
    head: EMPTY_CHAIN,
    states: new Map(),
    fleet: keep(INITIAL_FLEET, false),
    effects: new Map(),
    signals: new Map(),
    receipts: new Map(),
    settings: new Map(),
    actions: new Map(),
    outbox: new Map(),
    term: NO_TERM,
    holders: new Set(),
  });
}

/** Alone. */
function reopenDisk(disk: Disk): MemoryStore {
  disk.holders = new Set();
  return openDisk(disk);
}

function openDisk(disk: Disk): MemoryStore {
  const self = {};
  let failNext: "before" | "after" | null = null;
  disk.holders = new Set([...disk.holders, self]);

  async function whileOpen<T>(work: () => T): Promise<T> {
    if (!disk.holders.has(self)) throw new FactoryError("store/closed", "yield", "the store is closed");
    return work();
  }

  function commit(batch: Batch): { lastSeq: number } {
    const failing = failNext;
    failNext = null;
    if (failing === "before") throw lost("before");
    const lastSeq = writeBatch(disk, batch);
    if (failing === "after") throw lost("after");
    return { lastSeq };
  }

  return {
    load: () => whileOpen(() => load(disk)),
    commit: (batch) => whileOpen(() => commit(batch)),
    term: () => whileOpen(() => disk.term.term),
    lease: leaseOn(disk),
    putSignals: (signals, term) =>
      whileOpen(() => {
        if (signals.length > 0) admit(disk, term);
        for (const signal of signals) {
          const { clone, epoch, seq } = signal.heartbeat;
          const stored = disk.signals.get(clone);
          if (stored && !isNewerSignal(signal.heartbeat, stored)) continue;
          const kept = disk.freezes
            ? { text: null, signal: frozen(signal) }
            : { text: JSON.stringify(signal), signal: null };
          disk.signals.set(clone, { epoch, seq, ...kept });
        }
      }),
    receipt: (key) => whileOpen(() => disk.receipts.get(key) ?? null),
    action: (missionId, key) =>
      whileOpen(() => {
        const row = disk.actions.get(`${missionId}/${key}`);
        return row === undefined ? null : (JSON.parse(row.text) as ActionRow);
      }),
    actions: ({ missionId, limit }) =>
      whileOpen(() => {
        const rows = [...disk.actions.values()].filter((row) => row.missionId === missionId);
        return newestActions(
          rows.map(({ text }) => JSON.parse(text) as ActionRow),
          limit,
        );
      }),
    events: (query) => whileOpen(() => findEvents(disk, query)),
    verify: () =>
      whileOpen(() => {
        const walk = walkChain();
        for (const link of disk.events) {
          const broken = walk.next(link);
          if (broken) return { ok: false, ...broken };
        }
        const broken = walk.end(disk.head);
        return broken ? { ok: false, ...broken } : { ok: true, events: walk.head.seq, head: walk.head.hash };
      }),
    async close() {
      disk.holders = new Set([...disk.holders].filter((one) => one !== self));
    },
    reopen: () => reopenDisk(disk),
    share: () => openDisk(disk),
    peek: () => ({
      states: [...disk.states.values()].map(readKept),
      fleet: readKept(disk.fleet),
      effects: loadEffects(disk),
      outbox: loadOutbox(disk),
    }),
    failNextCommit(when) {
      failNext = when;
    },
  };
}

function leaseOn(disk: Disk): Lease {
  return {
    async acquire({ holder, above }) {
      const term = Math.max(disk.term.term, above) + 1;
      disk.term = { term, holder };
      return { term, holder, forMs: null };
    },
    async renew(grant) {
      if (disk.term.term <= grant.term) return grant;
      throw new FactoryError("lease/lost", "yield", `term ${disk.term.term} was granted`);
    },
    async release() {},
  };
}

function admit(disk: Disk, term: number): void {
  if (raisesTerm(term, disk.term)) disk.term = { term, holder: null };
}

/** Checks everything first, then writes, so that a refusal leaves nothing behind. */
function writeBatch(disk: Disk, batch: Batch): number {
  raisesTerm(batch.term, disk.term);
  checkVersions(batch, {
    clone: (name) => disk.states.get(name)?.version ?? 0,
    fleet: () => disk.fleet.version,
  });
  const added = new Set<string>();
  for (const { id } of batch.effects) {
    if (disk.effects.has(id) || added.has(id)) throw effectConflict(id);
    added.add(id);
  }
  const receipts = new Map<string, Receipt>();
  for (const receipt of batch.receipts) {
    const first = disk.receipts.get(receipt.key) ?? receipts.get(receipt.key);
    if (first && first.digest !== receipt.digest) throw receiptConflict(receipt.key);
    if (!first) receipts.set(receipt.key, { ...receipt });
  }
  const links = chain(disk.head, batch);

  admit(disk, batch.term);
  disk.events.push(...links);
  const last = links.at(-1);
  if (last) disk.head = { seq: last.seq, hash: last.hash };
  for (const state of batch.states) disk.states.set(state.name, keep(state, disk.freezes));
  if (batch.fleet !== undefined) disk.fleet = keep(batch.fleet, disk.freezes);
  for (const { id, clone, effect } of batch.effects) {
    disk.effects.set(id, { clone, text: JSON.stringify(effect), createdAt: batch.at });
  }
  for (const id of batch.settled) disk.effects.delete(id);
  for (const [key, receipt] of receipts) disk.receipts.set(key, receipt);
  for (const [key, value] of Object.entries(batch.settings)) {
    if (value === null) disk.settings.delete(key);
    else disk.settings.set(key, value);
  }
  for (const row of batch.actions ?? []) {
    disk.actions.set(`${row.missionId}/${row.key}`, { missionId: row.missionId, text: JSON.stringify(row) });
  }
  for (const id of batch.outbox?.removed ?? []) disk.outbox.delete(id);
  for (const row of batch.outbox?.put ?? []) disk.outbox.set(row.id, JSON.stringify(row));
  return disk.head.seq;
}

function chain(head: ChainHead, batch: Batch): StoredLink[] {
  let prevHash = head.hash;
  return batch.events.map(({ clone, missionId, event }: NewEvent, index) => {
    const link = { seq: head.seq + index + 1, at: batch.at, clone, missionId, eventText: eventText(event) };
    const stored = { ...link, prevHash, hash: linkHash(prevHash, link) };
    prevHash = stored.hash;
    return stored;
  });
}

function load(disk: Disk): StoredRecord {
  return {
    // What is frozen all through may be shared, also with who opens it next.
    states: sorted(disk.states).map(([, kept]) => readKept(kept)),
    fleet: readKept(disk.fleet),
    effects: loadEffects(disk),
    signals: sorted(disk.signals).map(
      ([, { signal, text }]) => signal ?? (JSON.parse(text ?? "null") as Signal),
    ),
    settings: Object.fromEntries(sorted(disk.settings)),
    outbox: loadOutbox(disk),
    lastSeq: disk.head.seq,
  };
}

function keep<State extends { readonly version: number }>(state: State, freezes: boolean): Kept<State> {
  const { version } = state;
  return freezes
    ? { version, text: null, state: frozen(state) }
    : { version, text: JSON.stringify(state), state: null };
}

function readKept<State>({ state, text }: Kept<State>): State {
  return state ?? (JSON.parse(text ?? "null") as State);
}

function loadEffects(disk: Disk): StoredRecord["effects"] {
  return [...disk.effects]
    .map(([id, { clone, text, createdAt }]) => ({ id, clone, effect: JSON.parse(text) as Effect, createdAt }))
    .sort((a, b) => compareEffectIds(a.id, b.id));
}

function loadOutbox(disk: Disk): StoredRecord["outbox"] {
  return [...disk.outbox.values()].map((text) => JSON.parse(text) as OutboxRow);
}

function findEvents(disk: Disk, query: EventQuery): readonly StoredEvent[] {
  const { clone, missionId, last, limit } = query;
  const countMax = Math.max(0, Math.min(last ?? limit, limit));
  const newestFirst = last !== undefined;
  const found: StoredEvent[] = [];
  // Links stand at index seq - 1: the chain has no gaps.
  const first = Math.max(0, query.afterSeq ?? 0);
  for (let step = 0; step < disk.events.length - first && found.length < countMax; step += 1) {
    const link = disk.events[newestFirst ? disk.events.length - 1 - step : first + step];
    if (!link) break;
    if (clone !== undefined && link.clone !== clone) continue;
    if (missionId !== undefined && link.missionId !== missionId) continue;
    const { seq, at, hash, prevHash } = link;
    const { clone: of, missionId: mission } = link;
    found.push({
      seq,
      at,
      clone: of,
      missionId: mission,
      prevHash,
      hash,
      event: eventOf(disk, link),
    } as StoredEvent);
  }
  return newestFirst ? found.reverse() : found;
}

function eventOf(disk: Disk, { seq, eventText: text }: StoredLink): CloneEvent | FleetEvent {
  const known = disk.read.get(seq);
  if (known !== undefined) return known;
  const event = JSON.parse(text) as CloneEvent | FleetEvent;
  if (disk.freezes) disk.read.set(seq, frozen(event));
  return event;
}

function sorted<T>(map: ReadonlyMap<string, T>): [string, T][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}

function lost(when: "before" | "after"): FactoryError {
  return new FactoryError("store/io", "retry", `the commit failed ${when} it took effect`);
}
