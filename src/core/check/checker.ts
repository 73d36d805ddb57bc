import type { CloneState } from "../model/clone-state.ts";
import type { FleetState } from "../model/fleet-state.ts";
import {
  type ChainedEvent,
  FINE,
  type Finding,
  type OpenEffect,
  type RecordFact,
  type Violation,
} from "./fact.ts";
import { INVARIANTS } from "./invariants.ts";
import { createRecordFold } from "./record-fold.ts";

/** Violations that are kept; whoever looks at more than these has not corrected the first one. */
export const VIOLATIONS_MAX = 50;

/** A record as it lies in a store, without any witness of what really happened outside. */
export interface StoredRecordParts {
  /** All events, ascending. */
  readonly events: readonly ChainedEvent[];
  readonly states: readonly CloneState[];
  readonly fleet: FleetState;
  readonly effects: readonly OpenEffect[];
}

export interface RecordCheck {
  /** Ascending by `seq`. */
  take(event: ChainedEvent): void;
  /** After the last event: compares with what is stored beside the events. */
  finish(stored: Pick<StoredRecordParts, "states" | "fleet" | "effects">): readonly Violation[];
}

/**
 * Judges a whole record at once, for `factory verify`. What can only be known by
 * a witness of the outside (who really lived, what was really said) is not asked; the
 * chain, the fold, epochs, closures, holds, proofs and waiting effects are.
 */
export function checkRecord(record: StoredRecordParts): readonly Violation[] {
  const check = startRecordCheck();
  for (const event of record.events) check.take(event);
  return check.finish(record);
}

/** The same event by event, for a record that is longer than the memory. */
export function startRecordCheck(invariants = INVARIANTS): RecordCheck {
  const watchers = invariants.map(({ name, facts, watch }) => ({ name, facts, watcher: watch() }));
  const hearing = Map.groupBy(
    watchers.flatMap(({ facts, ...one }) => facts.map((type) => ({ type, ...one }))),
    ({ type }) => type,
  );
  const violations: Violation[] = [];
  const fold = createRecordFold();
  let last = 0;

  function keep(invariant: string, findings: readonly Finding[]): void {
    for (const finding of findings)
      if (violations.length < VIOLATIONS_MAX) violations.push({ invariant, ...finding });
  }

  function tell(fact: RecordFact): void {
    for (const { name, watcher } of hearing.get(fact.type) ?? [])
      keep(name, watcher.on?.(fact, last) ?? FINE);
  }

  return {
    take(event) {
      last = event.at;
      tell(fold.next(event, last));
    },
    finish({ states, fleet, effects }) {
      tell({ type: "committed", events: [], states, fleet });
      const moment = { states: new Map(states.map((state) => [state.name, state])), fleet, effects };
      for (const { name, watcher } of watchers) keep(name, watcher.at?.(moment) ?? FINE);
      return violations;
    },
  };
}
