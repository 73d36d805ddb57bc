import type { DesiredClone } from "../../model/clone.ts";
import type { FleetEventOf, RolloutEvent } from "../../model/fleet-event.ts";
import type { Rollout, RolloutTurn } from "../../model/rollout.ts";
import { type FleetRules, type Ignored, ignored } from "../event-rules.ts";

/** Turns that are kept for people; the events have them all. */
const TURNS_MAX = 20;

type Rollouts = Readonly<Record<string, Rollout>>;
export type RolloutEvents = readonly FleetEventOf<RolloutEvent["type"]>[];

/** A candidate has one beginning and one end: an event that says it a second time changes nothing. */
export const ROLLOUT_EVENTS: FleetRules<Rollouts, RolloutEvent["type"]> = {
  "rollout.begun": {
    on(rollouts, { group, digest, revision, stable }, at) {
      const rollout = rolloutOf(rollouts, group);
      if (rollout.candidate !== null) return ignored(`${group} tries ${short(rollout.candidate.digest)}`);
      const candidate = { digest, revision, since: at, canaries: {} };
      const message = `commit ${revision.slice(0, 12)}`;
      const known = rollout.stable ?? stable;
      return put(rollouts, { ...rollout, stable: known, candidate }, { at, type: "begun", digest, message });
    },
    describe: ({ group, digest, revision }) =>
      `${group}: ${short(digest)} of commit ${revision.slice(0, 12)} is to be tried`,
  },
  "rollout.canaries_chosen": {
    on(rollouts, { group, digest, canaries }, at) {
      const rollout = rolloutOf(rollouts, group);
      const { candidate } = rollout;
      if (candidate?.digest !== digest) return notTried(group, digest);
      // What is known of a canary from before it was one stays: it is the way back.
      const added = namesOf(canaries).filter((name) => candidate.canaries[name] === undefined);
      if (added.length === 0) return ignored("they try it already");
      const chosen = {
        ...candidate.canaries,
        ...Object.fromEntries(added.map((name) => [name, canaries[name] as DesiredClone])),
      };
      return put(
        rollouts,
        { ...rollout, candidate: { ...candidate, canaries: chosen } },
        { at, type: "canary", digest, message: added.join(", ") },
      );
    },
    describe: ({ group, digest, canaries }) =>
      `${group}: ${short(digest)} is tried by ${namesOf(canaries).join(", ")}`,
  },
  "rollout.promoted": {
    on(rollouts, { group, digest, reason }, at) {
      const rollout = rolloutOf(rollouts, group);
      if (rollout.candidate !== null && rollout.candidate.digest !== digest) return notTried(group, digest);
      if (rollout.candidate === null && rollout.stable === digest)
        return ignored(`${group} works with ${short(digest)} already`);
      return put(
        rollouts,
        { ...rollout, stable: digest, candidate: null, refused: null },
        { at, type: "stable", digest, message: reason },
      );
    },
    describe: ({ group, digest, reason }) => `${group}: ${short(digest)} is stable: ${reason}`,
  },
  "rollout.refused": {
    on(rollouts, { group, digest, reason, revert }, at) {
      const rollout = rolloutOf(rollouts, group);
      const { candidate } = rollout;
      if (candidate?.digest !== digest) return notTried(group, digest);
      const back = revert ? candidate.canaries : {};
      const refused = { digest, revision: candidate.revision, at, reason, back };
      return put(
        rollouts,
        { ...rollout, candidate: null, refused },
        { at, type: "refused", digest, message: reason },
      );
    },
    describe: ({ group, digest, reason, revert }) =>
      `${group}: ${short(digest)} is refused${revert ? ", its canaries go back" : ""}: ${reason}`,
  },
  "rollout.superseded": {
    on(rollouts, { group, digest }, at) {
      const rollout = rolloutOf(rollouts, group);
      if (rollout.candidate?.digest !== digest) return notTried(group, digest);
      const message = "the repository asks for something else";
      return put(rollouts, { ...rollout, candidate: null }, { at, type: "superseded", digest, message });
    },
    describe: ({ group, digest }) =>
      `${group}: ${short(digest)} is no longer tried, the repository asks for something else`,
  },
  "rollout.withdrawn": {
    on(rollouts, { group, digest }, at) {
      const rollout = rolloutOf(rollouts, group);
      if (rollout.refused?.digest !== digest) return ignored(`${group} has not refused ${short(digest)}`);
      const message = "the repository no longer asks for it";
      return put(rollouts, { ...rollout, refused: null }, { at, type: "withdrawn", digest, message });
    },
    describe: ({ group, digest }) => `${group}: ${short(digest)}, which was refused, is no longer asked for`,
  },
  "rollout.group_gone": {
    on(rollouts, { group }) {
      const { [group]: gone, ...others } = rollouts;
      return gone === undefined ? ignored(`nothing is known of ${group}`) : others;
    },
    describe: ({ group }) => `${group}: no clone of it is declared any longer`,
  },
};

/** In one order, also of an event that was read back with its keys sorted. */
function namesOf(canaries: Readonly<Record<string, DesiredClone>>): string[] {
  return Object.keys(canaries).sort();
}

/** A group of which nothing was ever tried. */
function rolloutOf(rollouts: Rollouts, group: string): Rollout {
  return rollouts[group] ?? { group, stable: null, candidate: null, refused: null, turns: [] };
}

function put(rollouts: Rollouts, rollout: Rollout, turn: RolloutTurn): Rollouts {
  const turns = [...rollout.turns, turn].slice(-TURNS_MAX);
  return { ...rollouts, [rollout.group]: { ...rollout, turns } };
}

function notTried(group: string, digest: string): Ignored {
  return ignored(`${group} does not try ${short(digest)}`);
}

export function short(digest: string | null): string {
  return digest === null ? "nothing" : digest.replace("sha256:", "").slice(0, 12);
}
