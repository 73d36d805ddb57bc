import { decide } from "../clone/decide.ts";
import { decideFleet } from "../fleet/decide.ts";
import { createCalendar } from "../model/calendar.ts";
import { type CloneState, initialState } from "../model/clone-state.ts";
import { type FleetState, INITIAL_FLEET } from "../model/fleet-state.ts";
import { sameValue } from "../model/same.ts";
import type {
  ChainedEvent,
  Committed,
  Fact,
  Finding,
  Invariant,
  Moment,
  OpenEffect,
  RecordedEvent,
  RecordedFleetEvent,
  Violation,
  Watcher,
} from "./fact.ts";
import { FINE, UNKNOWN } from "./fact.ts";
import { INVARIANTS } from "./invariants.ts";

/** Violations that are kept; whoever looks at more than these has not corrected the first one. */
const VIOLATIONS_MAX = 50;

export interface Checker {
  /** Follows one more fact. A `committed` is taken apart here: nobody else may send `recorded` or `fleet-recorded`. */
  take(fact: ToldFact, elapsedMs: number): void;
  /** Asks what must hold at this moment. */
  look(moment: Moment): void;
  /** Everything that was found so far, oldest first. */
  readonly violations: readonly Violation[];
  /** The fold of everything recorded, which does not depend on what was stored. */
  readonly states: ReadonlyMap<string, CloneState>;
  /** The same for the fleet. */
  readonly fleet: FleetState;
}

/** What a witness may tell. */
export type ToldFact = Exclude<Fact, { type: "recorded" | "fleet-recorded" }>;

/** Follows a record from its first event and remembers every promise that it breaks. */
export function createChecker(invariants = INVARIANTS): Checker {
  const watchers: { readonly invariant: Invariant; watcher: Watcher }[] = invariants.map((invariant) => ({
    invariant,
    watcher: invariant.watch(),
  }));
  const states = new Map<string, CloneState>();
  let fleet = INITIAL_FLEET;
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
    fleet = INITIAL_FLEET;
    for (const one of watchers) if (one.invariant.ofOneRecord) one.watcher = one.invariant.watch();
  }

  function unfoldFleet(event: RecordedFleetEvent, decidedMs: number, elapsedMs: number): void {
    const before = fleet;
    const { state: after, ignored } = decideFleet(before, event.event, event.at);
    fleet = after;
    tell(
      { type: "fleet-recorded", event, before, after, ignored: ignored !== undefined, decidedMs },
      elapsedMs,
    );
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
    get fleet() {
      return fleet;
    },
    take(fact, elapsedMs) {
      if (fact.type === "lost" || fact.type === "rebuilding") beginAnew();
      if (fact.type === "committed")
        for (const event of fact.events) {
          const decidedMs = fact.decidedMs ?? elapsedMs;
          if (event.clone === null) unfoldFleet(event, decidedMs, elapsedMs);
          else unfold(event, decidedMs, elapsedMs);
        }
      tell(fact, elapsedMs);
      if (fact.type !== "committed") return;
      for (const stored of fact.states) goOnFrom(stored);
      if (fact.fleet !== undefined && sameValue(fleet, fact.fleet)) fleet = fact.fleet;
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
  readonly events: readonly ChainedEvent[];
  readonly states: readonly CloneState[];
  readonly fleet: FleetState;
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
    finish({ states, fleet, effects }) {
      checker.take({ ...alone([], states), fleet }, last);
      checker.look({
        now: last,
        calm: false,
        states: new Map(states.map((state) => [state.name, state])),
        fleet,
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
  take(event: ChainedEvent): void;
  /** After the last event: compares with what is stored beside the events. */
  finish(stored: Pick<StoredRecordParts, "states" | "fleet" | "effects">): readonly Violation[];
}

/** How events were grouped is not on record, nor which effects were written with them. */
function alone(events: readonly ChainedEvent[], states: readonly CloneState[]): Committed {
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
