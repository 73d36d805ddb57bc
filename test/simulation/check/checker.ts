import { VIOLATIONS_MAX } from "../../../src/core/check/checker.ts";
import type { Violation } from "../../../src/core/check/fact.ts";
import { createRecordFold, type RecordFold } from "../../../src/core/check/record-fold.ts";
import { type Fact, FINE, type Finding, type Invariant, type Moment, type Watcher } from "./fact.ts";
import { INVARIANTS } from "./invariants.ts";

export interface Checker {
  /** Follows one more fact. A `committed` is taken apart here: nobody else may send `recorded` or `fleet-recorded`. */
  take(fact: ToldFact, elapsedMs: number): void;
  /** Asks what must hold at this moment. */
  look(moment: Moment): void;
  /** Everything that was found so far, oldest first. */
  readonly violations: readonly Violation[];
  /** The fold of everything recorded, which does not depend on what was stored. */
  readonly states: RecordFold["states"];
}

/** What a witness may tell. */
export type ToldFact = Exclude<Fact, { type: "recorded" | "fleet-recorded" }>;

const NOBODY: readonly never[] = [];

/** Follows a world and its record from the first event on, and remembers every promise that is broken. */
export function createChecker(invariants = INVARIANTS): Checker {
  const watchers: { readonly invariant: Invariant; watcher: Watcher }[] = invariants.map((invariant) => ({
    invariant,
    watcher: invariant.watch(),
  }));
  const hearing = new Map<Fact["type"], typeof watchers>();
  for (const one of watchers)
    for (const type of one.invariant.facts) hearing.set(type, [...(hearing.get(type) ?? []), one]);
  const violations: Violation[] = [];
  let fold = createRecordFold();

  function keep(invariant: string, findings: readonly Finding[]): void {
    for (const finding of findings)
      if (violations.length < VIOLATIONS_MAX) violations.push({ invariant, ...finding });
  }

  function tell(fact: Fact, elapsedMs: number): void {
    for (const { invariant, watcher } of hearing.get(fact.type) ?? NOBODY) {
      const findings = watcher.on?.(fact, elapsedMs) ?? FINE;
      if (findings !== FINE) keep(invariant.name, findings);
    }
  }

  /** What was seen outside was seen; what stood in the record is to be judged by the next one. */
  function beginAnew(): void {
    fold = createRecordFold();
    for (const one of watchers) if (one.invariant.ofOneRecord) one.watcher = one.invariant.watch();
  }

  return {
    violations,
    get states() {
      return fold.states;
    },
    take(fact, elapsedMs) {
      if (fact.type === "lost" || fact.type === "rebuilding") beginAnew();
      if (fact.type !== "committed") {
        tell(fact, elapsedMs);
        return;
      }
      for (const event of fact.events) tell(fold.next(event, fact.decidedMs ?? elapsedMs), elapsedMs);
      tell(fact, elapsedMs);
      fold.goOnFrom(fact);
    },
    look(moment) {
      for (const { invariant, watcher } of watchers)
        if (watcher.at !== undefined) keep(invariant.name, watcher.at(moment));
    },
  };
}
