/** The record itself: its chain, and the states as what the events mean. */

import type { CloneState } from "../../model/clone-state.ts";
import { canonicalJson, sha256Hex } from "../../model/digest.ts";
import { type FleetState, INITIAL_FLEET } from "../../model/fleet-state.ts";
import { firstDifference } from "../../model/same.ts";
import { type ChainedEvent, FINE, type Finding, found, type Invariant } from "../fact.ts";

/** Every event follows from the one before it, without gaps, and says what it said when it was written. */
const chainIntact: Invariant = {
  name: "chain-intact",
  ofOneRecord: true,
  promise: "the hash chain is intact",
  facts: ["recorded", "fleet-recorded"],
  watch() {
    let head = { seq: 0, hash: "0".repeat(64) };
    let broken = false;
    return {
      on(fact) {
        if ((fact.type !== "recorded" && fact.type !== "fleet-recorded") || broken) return FINE;
        const { seq, clone, hash } = fact.event;
        const problem = breakAfter(head, fact.event);
        head = { seq, hash };
        if (problem === null) return FINE;
        broken = true;
        return found(clone, seq, problem);
      },
    };
  },
};

/** Each hash is over the one before and the canonical text of what is recorded (decision 2): computed here once more, apart from the record's own walk. */
function breakAfter(
  head: { readonly seq: number; readonly hash: string },
  { seq, at, clone, missionId, event, prevHash, hash }: ChainedEvent,
): string | null {
  if (seq !== head.seq + 1) return `event ${head.seq + 1} is missing: after ${head.seq} comes ${seq}`;
  if (prevHash !== head.hash)
    return `event ${seq} does not follow event ${head.seq}: its previous hash differs`;
  const own = sha256Hex(prevHash + canonicalJson({ at, clone, event, missionId, seq }));
  return own === hash ? null : `event ${seq} was changed: its content hashes to ${own}, recorded is ${hash}`;
}

/** What is stored about a clone is the fold of its events, and its version is their number. */
const stateIsFold: Invariant = {
  name: "state-is-fold",
  ofOneRecord: true,
  promise: "a stored state is the fold of its events",
  facts: ["committed", "recorded"],
  watch() {
    const folded = new Map<string, CloneState>();
    const events = new Map<string, number>();
    function compare(stored: CloneState): readonly Finding[] {
      const own = folded.get(stored.name);
      if (own === undefined) return found(stored.name, null, "a state is stored without any event");
      const count = events.get(stored.name) ?? 0;
      if (stored.version !== count)
        return found(stored.name, null, `version ${stored.version} after ${count} events`);
      const difference = firstDifference(own, stored);
      return difference === null
        ? FINE
        : found(stored.name, null, `at version ${count}, \`${difference}\` is not what its events mean`);
    }
    return {
      on(fact) {
        if (fact.type === "recorded") {
          folded.set(fact.event.clone, fact.after);
          events.set(fact.event.clone, (events.get(fact.event.clone) ?? 0) + 1);
          return FINE;
        }
        return fact.type === "committed" ? fact.states.flatMap(compare) : FINE;
      },
      at(moment) {
        const missing = [...folded.keys()].filter((name) => !moment.states.has(name));
        return missing.flatMap((name) => found(name, null, "it has events but no stored state"));
      },
    };
  },
};

/** The same for what holds for the whole fleet. */
const fleetStateIsFold: Invariant = {
  name: "fleet-state-is-fold",
  ofOneRecord: true,
  promise: "the stored state of the fleet is the fold of the fleet's events",
  facts: ["committed", "fleet-recorded"],
  watch() {
    let folded = INITIAL_FLEET;
    let events = 0;
    function compare(stored: FleetState): readonly Finding[] {
      if (stored.version !== events)
        return found(null, null, `the fleet has version ${stored.version} after ${events} events`);
      const difference = firstDifference(folded, stored);
      return difference === null
        ? FINE
        : found(
            null,
            null,
            `at version ${events} of the fleet, \`${difference}\` is not what its events mean`,
          );
    }
    return {
      on(fact) {
        if (fact.type === "fleet-recorded") {
          folded = fact.after;
          events += 1;
          return FINE;
        }
        return fact.type === "committed" && fact.fleet !== undefined ? compare(fact.fleet) : FINE;
      },
      at: ({ fleet }) => (fleet.version === events ? FINE : compare(fleet)),
    };
  },
};

export const RECORD_INVARIANTS: readonly Invariant[] = [chainIntact, stateIsFold, fleetStateIsFold];
