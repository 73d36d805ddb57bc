import type { CloneState } from "../model/clone-state.ts";
import type { Effect } from "../model/effect.ts";
import type { CloneEvent } from "../model/event.ts";
import type { FleetEvent } from "../model/fleet-event.ts";
import type { FleetState } from "../model/fleet-state.ts";
import type { Instant } from "../model/time.ts";

/**
 * What an invariant may look at: one thing that the record says, in the order in which it was written. Whoever witnesses
 * more than the record adds facts of his own (`createChecker`).
 */
export type RecordFact = Committed | Recorded | FleetRecorded;

/** One event as the record keeps it: a clone's, or the fleet's. */
export type ChainedEvent = RecordedEvent | RecordedFleetEvent;

interface ChainPlace {
  readonly seq: number;
  readonly at: Instant;
  readonly hash: string;
  readonly prevHash: string;
}

export interface RecordedEvent extends ChainPlace {
  readonly clone: string;
  readonly missionId: string | null;
  readonly event: CloneEvent;
}

export interface RecordedFleetEvent extends ChainPlace {
  readonly clone: null;
  readonly missionId: null;
  readonly event: FleetEvent;
}

export interface OpenEffect {
  readonly id: string;
  readonly clone: string;
  readonly effect: Effect;
}

/** Events, and states that were stored after them. Its events come before it as `recorded` and `fleet-recorded`, each with what it meant. */
export interface Committed {
  readonly type: "committed";
  readonly events: readonly ChainedEvent[];
  readonly states: readonly CloneState[];
  /** The fleet's state, where it was stored. */
  readonly fleet?: FleetState;
}

/** One event with the state before and after it, by the fold and not by what was stored. */
export interface Recorded {
  readonly type: "recorded";
  readonly event: RecordedEvent;
  readonly before: CloneState;
  readonly after: CloneState;
  readonly effects: readonly Effect[];
  readonly ignored: boolean;
  /** True time at which it was decided, where that is known. */
  readonly decidedMs: number;
}

/** The same for an event of the fleet. */
export interface FleetRecorded {
  readonly type: "fleet-recorded";
  readonly event: RecordedFleetEvent;
  readonly before: FleetState;
  readonly after: FleetState;
  readonly ignored: boolean;
  readonly decidedMs: number;
}

/** What is stored at one moment. */
export interface RecordMoment {
  readonly states: ReadonlyMap<string, CloneState>;
  readonly fleet: FleetState;
  /** Effects that are not settled. */
  readonly effects: readonly OpenEffect[];
}

/** A promise that was broken. */
export interface Violation {
  readonly invariant: string;
  readonly clone: string | null;
  /** The event that broke it, where one did. */
  readonly seq: number | null;
  readonly message: string;
}

/** What a watcher reports; the checker adds the name. */
export type Finding = Omit<Violation, "invariant">;

/** One promise. `watch` begins to follow a record from its first event. */
export interface Invariant<Fact extends { readonly type: string } = RecordFact, Moment = RecordMoment> {
  readonly name: string;
  /** What holds, as a sentence. */
  readonly promise: string;
  /** It compares a record with itself, so it begins anew with the next one when that is lost. */
  readonly ofOneRecord?: true;
  /** It is told of these and of no others. */
  readonly facts: readonly Fact["type"][];
  watch(): Watcher<Fact, Moment>;
}

/** Follows one record. Both questions are answered from what was seen so far and from nothing else. */
export interface Watcher<Fact = RecordFact, Moment = RecordMoment> {
  /** `elapsedMs` is true time, on a clock that nobody sets. */
  on?(fact: Fact, elapsedMs: number): readonly Finding[];
  at?(moment: Moment): readonly Finding[];
}

/** One that is asked about facts and nothing else, so that a witness can ask it as a part of his own. */
export interface RecordWatcher extends Watcher {
  on(fact: RecordFact, elapsedMs: number): readonly Finding[];
}

export const FINE: readonly Finding[] = [];

export function found(clone: string | null, seq: number | null, message: string): readonly Finding[] {
  return [{ clone, seq, message }];
}
