/** Blockers and loops: nobody is held without a warning, and nobody says the same trouble again and again unheard. */
import { type Instant, MINUTE_MS } from "../../model/time.ts";
import { FINE, found, type Invariant } from "../fact.ts";

/** Whoever is held as stuck was told so before, as this very instance and since a person last spoke to it; and a person is asked. */
const nudgeComesFirst: Invariant = {
  name: "nudge-comes-first",
  promise: "nobody is held as stuck who was not nudged before, and whoever is, is asked about",
  facts: ["recorded"],
  watch() {
    /** The epoch whose agent was nudged last, while no person has spoken since. */
    const nudged = new Map<string, number>();
    return {
      on(fact) {
        if (fact.type !== "recorded") return FINE;
        const { before, after, effects, event } = fact;
        const isStuck = (state: typeof after): boolean => state.holds.some(({ kind }) => kind === "stuck");
        const warned = after.instance !== null && nudged.get(event.clone) === after.instance.epoch;
        for (const effect of effects) {
          if (effect.type !== "message") continue;
          if (effect.from === "supervisor") nudged.set(event.clone, effect.epoch);
          else nudged.delete(event.clone);
        }
        if (!isStuck(after)) return FINE;
        if (!isStuck(before) && !warned)
          return found(event.clone, event.seq, "it is held as stuck and was not nudged before");
        // Of a mission that is being ended there is nothing left to ask.
        const goesOn = after.mission !== null && after.mission.terminal === null;
        if (goesOn && !after.requests.some(({ kind }) => kind === "stuck"))
          return found(event.clone, event.seq, "it is held as stuck and nobody is asked");
        return FINE;
      },
    };
  },
};

/** Counted here from the reports alone: as often as the mission says, within its window, since somebody was last asked about it. */
const blockedIsHeard: Invariant = {
  name: "blocked-is-heard",
  ofOneRecord: true,
  promise: "whoever reports one blocker as often as its mission allows is asked about, once",
  facts: ["recorded"],
  watch() {
    const reports = new Map<string, { key: string; at: Instant }[]>();
    return {
      on(fact) {
        if (fact.type !== "recorded") return FINE;
        const { before, after, event, ignored } = fact;
        const open = after.requests.filter(({ kind }) => kind === "blocked").length;
        if (open > 1) return found(event.clone, event.seq, "two questions about what blocks it are open");
        const wasOpen = before.requests.some(({ kind }) => kind === "blocked");
        const { mission } = after;
        if (mission === null || before.mission?.missionId !== mission.missionId || (wasOpen && open === 0))
          reports.delete(event.clone);
        const said = event.event.type === "instance.reported" ? event.event.report : null;
        if (mission === null || ignored || said?.type !== "mission.blocked") return FINE;
        const { escalate_after: limit, window_minutes: minutes } = mission.limits.blocked;
        const reason = said.detail["reason"];
        const key = sameWords(typeof reason === "string" ? reason : said.summary);
        const known = [...(reports.get(event.clone) ?? []), { key, at: event.at }];
        reports.set(event.clone, known);
        const times = known.filter(
          (one) => one.key === key && one.at > event.at - minutes * MINUTE_MS,
        ).length;
        if (times >= limit && open === 0)
          return found(event.clone, event.seq, `it was blocked ${times} times for one reason, unheard`);
        return FINE;
      },
    };
  },
};

/** Texts that differ in numbers and letter case alone tell of one trouble; others may as well, of which nothing is promised here. */
function sameWords(text: string): string {
  return text.toLowerCase().replace(/\d/g, "0").trim();
}

export const CONDUCT_INVARIANTS: readonly Invariant[] = [nudgeComesFirst, blockedIsHeard];
