import type { ActionRow } from "../core/model/action.ts";
import type { CloneState } from "../core/model/clone-state.ts";
import type { Effect } from "../core/model/effect.ts";
import type { CloneEvent } from "../core/model/event.ts";
import type { FleetEvent } from "../core/model/fleet-event.ts";
import type { FleetState } from "../core/model/fleet-state.ts";
import type { Signal } from "../core/model/instance.ts";
import type { OutboxRow } from "../core/model/notice.ts";
import type { Instant } from "../core/model/time.ts";
import type { OutboxChange } from "../core/notify/route.ts";

/**
 * The record: events of clones and of the fleet, only ever appended and hash-chained, the states
 * that are their fold, and the effects that wait to be carried out.
 *
 * One controller at a time, twice over. Where one machine has the record, opening a store that another process holds
 * rejects with `store/locked`. Everywhere, whoever writes says under which term (`lease.ts`), and a term below
 * the highest one that the record has seen is refused with `store/fenced` (`yield`), for good and durably: with
 * the first write of a newer holder, an older one writes nothing any more.
 * A crash at any moment leaves every commit whole or absent.
 */
export interface Store {
  /** Everything a controller needs to go on where the last one stopped. */
  load(): Promise<StoredRecord>;

  /** The highest term that it has seen; 0 before the first. */
  term(): Promise<number>;

  /**
   * Appends events, replaces states and the fleet's, adds and settles effects, and writes
   * receipts, settings and notices in one transaction, durable on return. Rejects with
   * `store/conflict` when a state's version, or the fleet's, is not the stored one plus the number of its events, and with
   * `store/fenced` when its term is over. A higher term than the highest is remembered, also by a batch that holds nothing else.
   */
  commit(batch: Batch): Promise<{ readonly lastSeq: number }>;

  /** Newest heartbeat per clone, durable on return. A heartbeat with a lower epoch or seq than the stored one changes nothing. Rejects with `store/fenced` as `commit` does. */
  putSignals(signals: readonly Signal[], term: number): Promise<void>;

  /** The first answer given to this key, if it was ever answered. */
  receipt(key: string): Promise<Receipt | null>;

  /** One row of the effect ledger, if that action was ever claimed. */
  action(missionId: string, key: string): Promise<ActionRow | null>;
  /** Rows of a mission, in the order of their newest reservation. They are kept for as long as the record. */
  actions(query: ActionQuery): Promise<readonly ActionRow[]>;

  /** Ascending by `seq`. */
  events(query: EventQuery): Promise<readonly StoredEvent[]>;

  /** Walks the whole chain. */
  verify(): Promise<ChainReport>;

  close(): Promise<void>;
}

export interface StoredRecord {
  readonly states: readonly CloneState[];
  readonly fleet: FleetState;
  /** Not settled yet, ascending by id: by clone, then in the order in which they were asked for. */
  readonly effects: readonly StoredEffect[];
  readonly signals: readonly Signal[];
  readonly settings: Readonly<Record<string, string>>;
  /** Notices that were not delivered yet, dead letters included, in the order in which they were first written. */
  readonly outbox: readonly OutboxRow[];
  readonly lastSeq: number;
}

export interface Batch {
  /** Of the lease under which this was decided. */
  readonly term: number;
  readonly at: Instant;
  readonly events: readonly NewEvent[];
  readonly states: readonly CloneState[];
  /** The fleet's state after these events; absent where none of them is the fleet's. */
  readonly fleet?: FleetState;
  readonly effects: readonly NewEffect[];
  /** Ids of effects that are done or have become pointless. */
  readonly settled: readonly string[];
  readonly receipts: readonly Receipt[];
  /** Keys with new values; null removes. Not part of the chain. */
  readonly settings: Readonly<Record<string, string | null>>;
  /** Rows of the outbox, written by their id: one that is known keeps its place in the order. Absent: none changes. */
  readonly outbox?: OutboxChange;
  /** Rows of the effect ledger as they are after these events; each replaces the one under its mission and key. */
  readonly actions?: readonly ActionRow[];
}

export interface ActionQuery {
  readonly missionId: string;
  /** The newest so many. */
  readonly limit: number;
}

/** Events of clones and of the fleet stand in one chain. */
export type NewEvent = NewCloneEvent | NewFleetEvent;

export interface NewCloneEvent {
  readonly clone: string;
  readonly missionId: string | null;
  readonly event: CloneEvent;
}

export interface NewFleetEvent {
  readonly clone: null;
  readonly missionId: null;
  readonly event: FleetEvent;
}

export type StoredEvent = StoredCloneEvent | StoredFleetEvent;
export type StoredCloneEvent = NewCloneEvent & ChainPlace;
export type StoredFleetEvent = NewFleetEvent & ChainPlace;

export interface ChainPlace {
  /** 1, 2, 3 … over the whole store, without gaps. */
  readonly seq: number;
  readonly at: Instant;
  /** sha256 over `prevHash` and the canonical event, hex. The first `prevHash` is 64 zeros. */
  readonly hash: string;
  readonly prevHash: string;
}

export interface NewEffect {
  /** Deterministic: `<clone>/<version of the state that asked for it>/<index>`. */
  readonly id: string;
  readonly clone: string;
  readonly effect: Effect;
}

export interface StoredEffect extends NewEffect {
  readonly createdAt: Instant;
}

export interface Receipt {
  readonly key: string;
  /** sha256 of the payload; a second payload under the same key is a conflict. */
  readonly digest: string;
  readonly status: number;
  readonly body: string;
}

export interface EventQuery {
  /** Null: those of the fleet. Absent: all. */
  readonly clone?: string | null;
  readonly missionId?: string;
  readonly afterSeq?: number;
  /** Newest `last` events instead of the first ones. */
  readonly last?: number;
  readonly limit: number;
}

export type ChainReport =
  | { readonly ok: true; readonly events: number; readonly head: string }
  | { readonly ok: false; readonly brokenAtSeq: number; readonly message: string };
