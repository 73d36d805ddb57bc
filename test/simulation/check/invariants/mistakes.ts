import {
  beginsStop,
  NOTHING_STOPPED_BY_MISTAKE,
  watchStops,
} from "../../../../src/core/check/invariants/mistakes.ts";
import type { CloneState } from "../../../../src/core/model/clone-state.ts";
import { FINE, found, type Invariant, type Recorded, type Wanted } from "../fact.ts";

/** The part of the fleet that one commit may remove without a confirmation: this much, and at least one. */
const DELETIONS_FREE_PART = 0.2;

/**
 * A removal needs an accepted revision from which the name is really gone, read
 * without an error, and above a part of the fleet a second commit that names the first. Neither a
 * broken file nor a repository that cannot be read, was emptied or rewritten ends anything.
 */
const nothingStoppedByMistake: Invariant = {
  ...NOTHING_STOPPED_BY_MISTAKE,
  facts: ["recorded", "repository", "lost", "rebuilding"],
  watch() {
    const stops = watchStops();
    const accepted = new Map<string, Wanted>();
    const states = new Map<string, CloneState>();
    /** Since when nobody could read it; null: it was read. What was decided before may take a while to be written. */
    let unreadableSince: number | null = null;
    let removal: { revision: string; fleet: number; readonly lanes: Set<string> } | null = null;

    function removalProblem(fact: Recorded, name: string, revision: string): string | null {
      if (accepted.size === 0) return null;
      if (unreadableSince !== null && fact.decidedMs >= unreadableSince)
        return `${name} was removed while the repository could not be read`;
      const wanted = accepted.get(revision);
      if (wanted === undefined)
        return `${name} was removed by revision ${revision}, which was never accepted`;
      const there = name.startsWith("clone/")
        ? wanted.clones.has(name.slice(6))
        : wanted.missions.has(name.slice(8));
      if (there) return `${name} was removed although revision ${revision} has it`;
      if (wanted.broken.has(name)) return `${name} was removed because its file is broken`;
      if (removal?.revision !== revision) removal = { revision, fleet: fleetSize(fact), lanes: new Set() };
      removal.lanes.add(fact.event.clone);
      const { fleet, lanes } = removal;
      const free = Math.max(1, Math.floor(fleet * DELETIONS_FREE_PART));
      if (lanes.size <= free && lanes.size < fleet) return null;
      const confirms = wanted.confirms;
      const first =
        confirms === null ? undefined : [...accepted.keys()].find((other) => other.startsWith(confirms));
      if (first !== undefined && first !== revision) return null;
      return `${lanes.size} of ${fleet} clones were removed by revision ${revision} without a confirmation`;
    }

    /** Before this event. */
    function fleetSize(fact: Recorded): number {
      const all = new Map(states).set(fact.event.clone, fact.before);
      return [...all.values()].filter(
        (state) => !state.withdrawn && state.spec !== null && state.phase !== "Retired",
      ).length;
    }

    return {
      on(fact, elapsedMs) {
        if (fact.type === "repository") {
          unreadableSince = fact.ok ? null : (unreadableSince ?? elapsedMs);
          if (fact.ok) accepted.set(fact.wanted.revision, fact.wanted);
        }
        if (fact.type === "lost" || fact.type === "rebuilding") states.clear();
        if (fact.type !== "recorded") return FINE;
        const { event: stored, before, after, ignored } = fact;
        const { event } = stored;
        let problem: string | null = null;
        if (event.type === "clone.withdrawn")
          problem = removalProblem(fact, `clone/${stored.clone}`, event.revision);
        if (event.type === "mission.withdrawn" && !ignored)
          problem = removalProblem(fact, `mission/${before.mission?.name}`, event.revision);
        if (event.type === "mission.limits_changed" && beginsStop(fact)) problem = wrongEnd(fact, accepted);
        states.set(stored.clone, after);
        return problem === null ? stops.on(fact, elapsedMs) : found(stored.clone, stored.seq, problem);
      },
    };
  },
};

function wrongEnd(fact: Recorded, accepted: ReadonlyMap<string, Wanted>): string | null {
  const { event } = fact.event;
  if (accepted.size === 0 || event.type !== "mission.limits_changed") return null;
  const name = fact.before.mission?.name ?? "";
  const says = accepted.get(event.revision)?.missions.get(name);
  return says?.ends === true
    ? null
    : `mission ${name} is ended although revision ${event.revision} does not ask for it`;
}

/** Heartbeats that are remembered: more than come while one transaction is written. */
const BEATS_KEPT = 8;

/** What the record calls gone is gone: a listing that is old, or not complete, buries nobody. */
const goneIsGone: Invariant = {
  name: "gone-is-gone",
  promise: "no living instance is taken for dead, and none that was just heard for silent",
  facts: ["recorded", "act", "heard"],
  watch() {
    const living = new Set<string>();
    const heard = new Map<string, { readonly atMs: number; readonly intervalMs: number }[]>();
    return {
      on(fact, elapsedMs) {
        if (fact.type === "act") {
          if (fact.act === "spawned") living.add(`${fact.clone}/${fact.epoch}`);
          if (fact.act === "died") living.delete(`${fact.clone}/${fact.epoch}`);
        }
        if (fact.type === "heard") {
          const body = `${fact.clone}/${fact.epoch}`;
          const beats = heard.get(body) ?? [];
          if (beats.push({ atMs: elapsedMs, intervalMs: fact.intervalMs }) > BEATS_KEPT) beats.shift();
          heard.set(body, beats);
        }
        if (fact.type !== "recorded" || fact.ignored) return FINE;
        const { event, clone, seq } = fact.event;
        if (event.type === "instance.gone" && living.has(`${clone}/${event.epoch}`))
          return found(clone, seq, `epoch ${event.epoch} lives and is buried: ${event.evidence}`);
        if (event.type === "health.changed" && event.health === "lost") {
          const { decidedMs } = fact;
          const last = heard.get(`${clone}/${event.epoch}`)?.findLast(({ atMs }) => atMs <= decidedMs);
          if (last !== undefined && decidedMs - last.atMs < 2 * last.intervalMs)
            return found(
              clone,
              seq,
              `epoch ${event.epoch} is lost although it was heard ${decidedMs - last.atMs} ms ago: ${event.evidence}`,
            );
        }
        return FINE;
      },
    };
  },
};

export const MISTAKE_INVARIANTS: readonly Invariant[] = [nothingStoppedByMistake, goneIsGone];
