/** Drills of the kill: each round once, none forgotten, and no failure forgotten. */
import { HOUR_MS, type Instant, MINUTE_MS } from "../../../../src/core/model/time.ts";
import { FINE, type Finding, found, type Invariant } from "../fact.ts";

/** Beyond the hour after which people are told: others are drilled on first, and the clock may have been set. */
const TOLD_WITHIN_MS = HOUR_MS + 20 * MINUTE_MS;
/** In calm a result is on record by then. */
const RECORDED_WITHIN_MS = 5 * MINUTE_MS;

interface Made {
  readonly endedMs: number;
  readonly at: Instant;
  /** Null: nobody has to know any longer. */
  readonly passed: boolean | null;
}

/** The witness says when the kill was really tried; whether a round has come is worked out here apart from the schedule. */
const drillsAreMade: Invariant = {
  name: "drills-are-made",
  promise:
    "a drill that fell due is made once or told of, and one that failed is in the inbox until it is proven",
  facts: ["repository", "drilled", "jumped", "lost"],
  watch() {
    let everyMinutes: number | null = null;
    /** Since when each clone is waiting for its first round, or for another one after the clock was set. */
    let waitingSinceMs = new Map<string, number>();
    const newest = new Map<string, Made>();
    /** The round of a drill, while the clock and the plan are the same. */
    const rounds = new Map<string, number>();
    /** The clock was set, or the plan changed: a drill that had begun before is of no round that can be told. */
    let steadySinceMs = 0;
    let nowMs = 0;

    function unsettle(): void {
      rounds.clear();
      steadySinceMs = nowMs;
    }

    function plan(every: number | null, clones: ReadonlySet<string>): void {
      const before = every === everyMinutes ? waitingSinceMs : new Map<string, number>();
      if (every !== everyMinutes) unsettle();
      everyMinutes = every;
      waitingSinceMs = new Map(
        every === null ? [] : [...clones].map((one) => [one, before.get(one) ?? nowMs]),
      );
    }

    function late(inbox: ReadonlySet<string>): readonly Finding[] {
      const patienceMs = (everyMinutes ?? 0) * MINUTE_MS + TOLD_WITHIN_MS;
      return [...waitingSinceMs].flatMap(([clone, sinceMs]) => {
        const waitedMs = nowMs - Math.max(sinceMs, newest.get(clone)?.endedMs ?? 0);
        return waitedMs > patienceMs && !inbox.has(`drill_overdue ${clone}`)
          ? found(clone, null, `its drill is due for ${waitedMs} ms, and nobody is told`)
          : FINE;
      });
    }

    return {
      on(fact, elapsedMs) {
        nowMs = elapsedMs;
        if (fact.type === "repository" && fact.ok && fact.wanted.drillEveryMinutes !== undefined)
          plan(fact.wanted.drillEveryMinutes, fact.wanted.clones);
        if (fact.type === "jumped") {
          unsettle();
          for (const clone of waitingSinceMs.keys()) waitingSinceMs.set(clone, elapsedMs);
        }
        // A result rides along with the next publication; one that came after the last is lost with its record.
        if (fact.type === "lost")
          for (const [clone, made] of newest) newest.set(clone, { ...made, passed: null });
        if (fact.type !== "drilled") return FINE;
        const { target, at, beganMs, passed } = fact;
        const round =
          everyMinutes === null || beganMs < steadySinceMs
            ? null
            : Math.floor(at / (everyMinutes * MINUTE_MS));
        const again = round !== null && rounds.get(target) === round;
        if (round !== null) rounds.set(target, round);
        newest.set(target, { endedMs: elapsedMs, at, passed });
        return again ? found(target, null, "it was drilled on twice for one round of the schedule") : FINE;
      },
      at({ inbox, calm, elapsedMs }) {
        nowMs = Math.max(nowMs, elapsedMs);
        if (inbox === null || !calm) return FINE;
        const told = new Set(inbox.map(({ kind, subject }) => `${kind} ${subject}`));
        const findings = [...newest].flatMap(([target, { passed, endedMs }]) => {
          if (
            passed === null ||
            nowMs - endedMs < RECORDED_WITHIN_MS ||
            told.has(`drill_failed ${target}`) === !passed
          )
            return FINE;
          return found(
            target,
            null,
            passed ? "its kill is proven, and called a failure" : "its drill failed, and nobody is told",
          );
        });
        return [...findings, ...late(told)];
      },
    };
  },
};

/** The witness counts what is launched and sees how it ends; the record has to have said so before, and to say so afterwards. */
const drillsAreRecorded: Invariant = {
  name: "drills-are-recorded",
  promise:
    "a drill is launched only when its beginning is on record, and its result stands there as it came about",
  facts: ["fleet-recorded", "drilling", "drilled"],
  watch() {
    const begun = new Map<string, number>();
    const ended = new Map<string, boolean>();
    return {
      on(fact) {
        if (fact.type === "drilling") {
          const left = begun.get(fact.target) ?? 0;
          begun.set(fact.target, Math.max(0, left - 1));
          return left > 0 ? FINE : found(fact.target, null, "a drill is launched that is not on record");
        }
        if (fact.type === "drilled") ended.set(`${fact.target} ${fact.at}`, fact.passed);
        if (fact.type !== "fleet-recorded") return FINE;
        const { event, seq } = fact.event;
        if (event.type === "drill.begun") begun.set(event.target, (begun.get(event.target) ?? 0) + 1);
        if (event.type !== "drill.passed" && event.type !== "drill.failed") return FINE;
        const { target, at } = event.result;
        const passed = ended.get(`${target} ${Date.parse(at)}`);
        return passed === (event.type === "drill.passed")
          ? FINE
          : found(target, seq, `${event.type} is recorded of a drill that ${endText(passed)}`);
      },
    };
  },
};

function endText(passed: boolean | undefined): string {
  return passed === undefined ? "nobody made" : passed ? "proved the kill" : "failed";
}

export const DRILL_INVARIANTS: readonly Invariant[] = [drillsAreMade, drillsAreRecorded];
