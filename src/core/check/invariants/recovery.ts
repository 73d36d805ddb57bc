/** The way back of a degraded instance: bounded, in order, and never a second body before the first is proven dead. */

import { TRIES_MAX, TRIES_WINDOW_MS, triesSince } from "../../clone/health/recovery-ladder.ts";
import type { Effect } from "../../model/effect.ts";
import { FINE, found, type Invariant, type Recorded } from "../fact.ts";

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
        return isHasty(fact, now)
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

/** The ladder itself ends an instance only when it is dead, or every attempt to reconnect was made. */
function isHasty(fact: Recorded, attempts: readonly Attempt[]): boolean {
  const { event } = fact.event;
  const byLadder =
    event.type === "recovery.tried" || (event.type === "deadline.passed" && event.deadline === "recovery");
  const begun = fact.before.instance?.stopping === null && fact.after.instance?.stopping != null;
  if (!byLadder || !begun) return false;
  if (event.type === "recovery.tried" && (event.found?.shim === "gone" || event.found?.shim === "zombie"))
    return false;
  const { recovery } = fact.before;
  const since = recovery === null ? fact.event.at - TRIES_WINDOW_MS : triesSince(recovery, fact.event.at);
  const inWindow = attempts.filter((past) => past.at > since);
  const rungs = ["reconnect", "revive"] as const;
  return !rungs.some((rung) => inWindow.filter(({ effect }) => effect === rung).length >= TRIES_MAX);
}

export const RECOVERY_INVARIANTS: readonly Invariant[] = [lostBeforeReplaced, ladderIsClimbed];
