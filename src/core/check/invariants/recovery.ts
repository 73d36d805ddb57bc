/** The way back of a degraded instance: bounded, in order, and never a second body before the first is proven dead. */

import type { Effect } from "../../model/effect.ts";
import { type Instant, MINUTE_MS } from "../../model/time.ts";
import { FINE, found, type Invariant, type Recorded } from "../fact.ts";

/** What is promised: three attempts in five minutes, whatever the program calls them. */
const TRIES_MAX = 3;
const TRIES_WINDOW_MS = 5 * MINUTE_MS;

/** Whatever was launched is on record as dead, with its proof, before anything is launched in its place. */
const lostBeforeReplaced: Invariant = {
  name: "lost-before-replaced",
  ofOneRecord: true,
  promise: "nothing takes the place of an instance that is not proven dead",
  facts: ["recorded"],
  watch() {
    const launched = new Map<string, Set<number>>();
    return {
      on(fact) {
        if (fact.type !== "recorded") return FINE;
        const { clone, seq, event } = fact.event;
        const open = launched.get(clone) ?? new Set();
        launched.set(clone, open);
        if (event.type === "clone.restored" && fact.after.instance !== null)
          open.add(fact.after.instance.epoch);
        if (event.type === "stop.finished" && !fact.ignored) open.delete(event.epoch);
        const launch = fact.effects.find((effect) => effect.type === "launch");
        if (launch === undefined) return FINE;
        const before = [...open];
        open.add(launch.epoch);
        return before.length === 0
          ? FINE
          : found(
              clone,
              seq,
              `epoch ${launch.epoch} is launched and epoch ${before.join(", ")} is not proven dead`,
            );
      },
    };
  },
};

const RUNG_EFFECTS: ReadonlySet<Effect["type"]> = new Set(["probe", "reconnect", "revive"]);

/** Attempts of one clone that are remembered: far more than fall into any window. */
const ATTEMPTS_KEPT = 64;

interface Attempt {
  readonly effect: Effect["type"];
  readonly cause: string;
  readonly at: number;
  /** It has been out of the window once. A clock that is put back brings it in again: then it may count, and need not. */
  readonly old: boolean;
}

/** No rung is tried more often than it may be, and none is skipped for the end of an instance that was not found dead. */
const ladderIsClimbed: Invariant = {
  name: "ladder-is-climbed",
  promise:
    "a rung is tried at most three times in five minutes for one cause, and nothing is restarted before that",
  facts: ["recorded"],
  watch() {
    const attempts = new Map<string, readonly Attempt[]>();
    /** When the recovery of each clone that is under way was begun. */
    const begun = new Map<string, Instant>();
    return {
      on(fact) {
        if (fact.type !== "recorded") return FINE;
        const { clone, seq, at } = fact.event;
        // A new mission begins with a clean sheet.
        const known = fact.before.recovery === null ? [] : (attempts.get(clone) ?? []);
        // A record that was lost took what it knew of its last attempts with it.
        const restored = fact.event.event.type === "clone.restored";
        const before = known.map((past) =>
          past.at > at - TRIES_WINDOW_MS && !restored ? past : { ...past, old: true },
        );
        const now = [...before, ...attemptsOf(fact)].slice(-ATTEMPTS_KEPT);
        attempts.set(clone, now);
        for (const { effect, cause } of attemptsOf(fact)) {
          const times = now.filter(
            (past) => !past.old && past.effect === effect && past.cause === cause,
          ).length;
          if (times > TRIES_MAX)
            return found(
              clone,
              seq,
              `${effect} for ${cause} is tried for the ${times}th time within five minutes`,
            );
        }
        const since = begun.get(clone) ?? fact.before.recovery?.detectedAt ?? at;
        if (restored) begun.delete(clone);
        else if (beginsLadder(fact)) begun.set(clone, at);
        return isHasty(fact, now, since)
          ? found(clone, seq, "it is restarted although a rung was left to try")
          : FINE;
      },
    };
  },
};

function attemptsOf({ effects, after, event }: Recorded): readonly Attempt[] {
  return effects
    .filter(({ type }) => RUNG_EFFECTS.has(type))
    .map(({ type }) => ({
      effect: type,
      cause: after.recovery?.cause ?? "nothing",
      at: event.at,
      old: false,
    }));
}

/** It is degraded, and no ladder of this very instance is being climbed. */
function beginsLadder({ event: { event }, before, ignored }: Recorded): boolean {
  if (ignored || event.type !== "health.changed") return false;
  const { recovery } = before;
  const climbs = recovery !== null && recovery.stage !== "over";
  if (event.health === "degraded") return !climbs || recovery.epoch !== event.epoch;
  return event.health === "lost" && !climbs;
}

/**
 * The ladder itself ends an instance only when it is dead, or every attempt to reconnect was made: within five minutes, or
 * within the whole of a recovery that takes longer because its heartbeats are slow.
 */
function isHasty(fact: Recorded, attempts: readonly Attempt[], begunAt: Instant): boolean {
  const { event } = fact.event;
  const byLadder =
    event.type === "recovery.tried" || (event.type === "deadline.passed" && event.deadline === "recovery");
  const begun = fact.before.instance?.stopping === null && fact.after.instance?.stopping != null;
  if (!byLadder || !begun) return false;
  if (event.type === "recovery.tried" && (event.found?.shim === "gone" || event.found?.shim === "zombie"))
    return false;
  const since = Math.min(fact.event.at - TRIES_WINDOW_MS, begunAt - 1);
  const inWindow = attempts.filter((past) => past.at > since);
  const rungs = ["reconnect", "revive"] as const;
  return !rungs.some((rung) => inWindow.filter(({ effect }) => effect === rung).length >= TRIES_MAX);
}

export const RECOVERY_INVARIANTS: readonly Invariant[] = [lostBeforeReplaced, ladderIsClimbed];
