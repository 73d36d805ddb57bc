import { decide } from "../supervise/decide.ts";
import { type CloneState, initialState } from "../supervise/state.ts";
import type {
  Committed,
  Fact,
  Finding,
  Moment,
  OpenEffect,
  RecordedEvent,
  Violation,
  Watcher,
} from "./fact.ts";
import { UNKNOWN } from "./fact.ts";
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
  const watchers: { readonly name: string; readonly watcher: Watcher }[] = invariants.map((invariant) => ({
    name: invariant.name,
    watcher: invariant.watch(),
  }));
  const states = new Map<string, CloneState>();
  const violations: Violation[] = [];

  function keep(invariant: string, findings: readonly Finding[]): void {
    for (const finding of findings) {
      if (violations.length < VIOLATIONS_MAX) violations.push({ invariant, ...finding });
    }
  }

  function tell(fact: Fact, elapsedMs: number): void {
    for (const { name, watcher } of watchers) {
      if (watcher.on !== undefined) keep(name, watcher.on(fact, elapsedMs));
    }
  }

  function unfold(event: RecordedEvent, elapsedMs: number): void {
    const before = states.get(event.clone) ?? initialState(event.clone, event.at);
    const { state: after, effects, ignored } = decide(before, event.event, event.at);
    states.set(event.clone, after);
    tell({ type: "recorded", event, before, after, effects, ignored: ignored !== undefined }, elapsedMs);
  }

  return {
    violations,
    states,
    take(fact, elapsedMs) {
      if (fact.type === "committed") for (const event of fact.events) unfold(event, elapsedMs);
      tell(fact, elapsedMs);
    },
    look(moment) {
      for (const { name, watcher } of watchers) {
        if (watcher.at !== undefined) keep(name, watcher.at(moment));
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
 * Judges a whole record at once, for `factory doctor`. What can only be known by
 * a witness of the outside (who really lived, what was really said) is not asked; the
 * chain, the fold, epochs, closures, holds, proofs and waiting effects are.
 */
export function checkRecord(record: StoredRecordParts): readonly Violation[] {
  const checker = createChecker();
  const stored = new Map(record.states.map((state) => [state.name, state]));
  const last = new Map<string, RecordedEvent>();
  for (const event of record.events) last.set(event.clone, event);
  for (const event of record.events) {
    const state = last.get(event.clone) === event ? stored.get(event.clone) : undefined;
    checker.take(alone(event, state), event.at);
  }
  checker.look({
    now: record.events.at(-1)?.at ?? 0,
    calm: false,
    states: stored,
    effects: record.effects,
    living: null,
    status: null,
    unfinished: null,
  });
  return checker.violations;
}

/** An event by itself; how it was grouped with others is not on record. */
function alone(event: RecordedEvent, state: CloneState | undefined): Committed {
  return {
    type: "committed",
    at: event.at,
    events: [event],
    states: state === undefined ? [] : [state],
    effects: UNKNOWN,
    settled: [],
    receipts: [],
  };
}
