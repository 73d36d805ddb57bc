import { decide } from "../clone/decide.ts";
import { createCalendar } from "../model/calendar.ts";
import { type CloneState, initialState } from "../model/clone-state.ts";
import { sameValue } from "../model/same.ts";
import type {
  Committed,
  Fact,
  Finding,
  Invariant,
  Moment,
  OpenEffect,
  RecordedEvent,
  Violation,
  Watcher,
} from "./fact.ts";
import { FINE, UNKNOWN } from "./fact.ts";
import { INVARIANTS } from "./invariants.ts";

/** Violations that are kept; whoever looks at more than these has not corrected the first one. */
const VIOLATIONS_MAX = 50;

export interface Checker {
  /** Follows one more fact. A `committed` is taken apart here: nobody else may send `recorded`. */
  take(fact: Exclude<Fact, { type: "recorded" }>, elapsedMs: number): void;
  /** Asks what must hold at this moment. */
  look(moment: Moment): void;
  /** Everything that was found so far, oldest first. */
  readonly violations: readonly Violation[];
  /** The fold of everything recorded, which does not depend on what was stored. */
  readonly states: ReadonlyMap<string, CloneState>;
}

/** Follows a record from its first event and remembers every promise that it breaks. */
export function createChecker(invariants = INVARIANTS): Checker {
  const watchers: { readonly invariant: Invariant; watcher: Watcher }[] = invariants.map((invariant) => ({
    invariant,
    watcher: invariant.watch(),
  }));
  const states = new Map<string, CloneState>();
  const violations: Violation[] = [];
  const calendar = createCalendar();

  function keep(invariant: string, findings: readonly Finding[]): void {
    for (const finding of findings) {
      if (violations.length < VIOLATIONS_MAX) violations.push({ invariant, ...finding });
    }
  }

  function tell(fact: Fact, elapsedMs: number): void {
    for (const { invariant, watcher } of watchers) {
      const findings = watcher.on?.(fact, elapsedMs) ?? FINE;
      if (findings !== FINE) keep(invariant.name, findings);
    }
  }

  /** What was seen outside was seen; what stood in the record is to be judged by the next one. */
  function beginAnew(): void {
    states.clear();
    for (const one of watchers) if (one.invariant.ofOneRecord) one.watcher = one.invariant.watch();
  }

  function unfold(event: RecordedEvent, decidedMs: number, elapsedMs: number): void {
    const before = states.get(event.clone) ?? initialState(event.clone, event.at);
    const { state: after, effects, ignored } = decide(before, event.event, event.at, calendar);
    states.set(event.clone, after);
    // What was restored stood there before, in another record: only what comes of it is new.
    const restored = event.event.type === "clone.restored" && ignored === undefined;
    tell(
      {
        type: "recorded",
        event,
        before: restored ? after : before,
        after,
        effects,
        ignored: ignored !== undefined,
        decidedMs,
      },
      elapsedMs,
    );
  }

  /**
   * What says the same is the same: folded on from what was stored, the next state shares with the next stored
   * one what did not change, and comparing the two costs no more than the change.
   */
  function goOnFrom(stored: CloneState): void {
    if (sameValue(states.get(stored.name), stored)) states.set(stored.name, stored);
  }

  return {
    violations,
    states,
    take(fact, elapsedMs) {
      if (fact.type === "lost" || fact.type === "rebuilding") beginAnew();
      if (fact.type === "committed")
        for (const event of fact.events) unfold(event, fact.decidedMs ?? elapsedMs, elapsedMs);
      tell(fact, elapsedMs);
      if (fact.type === "committed") for (const stored of fact.states) goOnFrom(stored);
    },
    look(moment) {
      for (const { invariant, watcher } of watchers) {
        if (watcher.at !== undefined) keep(invariant.name, watcher.at(moment));
      }
    },
  };
}

/** A record as it lies in a store, without any witness of what really happened outside. */
export interface StoredRecordParts {
  /** All events, ascending. */
  readonly events: readonly RecordedEvent[];
  readonly states: readonly CloneState[];
  readonly effects: readonly OpenEffect[];
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
export function startRecordCheck(): RecordCheck {
  const checker = createChecker();
  let last = 0;
  return {
    take(event) {
      last = event.at;
      checker.take(alone([event], []), event.at);
    },
    finish({ states, effects }) {
      checker.take(alone([], states), last);
      checker.look({
        now: last,
        calm: false,
        states: new Map(states.map((state) => [state.name, state])),
        effects,
        outbox: null,
        living: null,
        inbox: null,
        status: null,
        unfinished: null,
      });
      return checker.violations;
    },
  };
}

export interface RecordCheck {
  /** Ascending by `seq`. */
  take(event: RecordedEvent): void;
  /** After the last event: compares with what is stored beside the events. */
  finish(stored: Pick<StoredRecordParts, "states" | "effects">): readonly Violation[];
}

/** How events were grouped is not on record, nor which effects were written with them. */
function alone(events: readonly RecordedEvent[], states: readonly CloneState[]): Committed {
  return {
    type: "committed",
    at: events[0]?.at ?? 0,
    events,
    states,
    effects: UNKNOWN,
    settled: [],
    receipts: [],
  };
}
