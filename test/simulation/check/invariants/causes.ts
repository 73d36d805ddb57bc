/**
 * Why anything stands still, by the world at that moment: who paused what, what a provider said, what an agent did, what the
 * clock on the wall says. A hold without such a cause goes within its time, whatever the program says about it.
 */
import type { CloneState } from "../../../../src/core/model/clone-state.ts";
import type { Hold } from "../../../../src/core/model/hold.ts";
import { MINUTE_MS } from "../../../../src/core/model/time.ts";
import { FINE, type Finding, found, type Invariant, type Moment, type Wanted } from "../fact.ts";
import { dateIn, opennessAt } from "../windows.ts";

/** After its cause is gone a hold is gone within this, in calm: a poll, a listing, a plan, and what is tried again at most every five minutes. */
const WITHIN_MS = 12 * MINUTE_MS;
/** At the end, where nothing has been left to do for a while, two looks are enough. */
const AT_REST_MS = 5 * MINUTE_MS;
/** A gate is looked at again after five minutes at the most, and then it is prepared. */
const UNPREPARED_MS = 6 * MINUTE_MS;
/** What is added to a provider's own time: the least wait after many limits in a row, and jitter. */
const LIMIT_EXTRA_MS = 6 * MINUTE_MS;
/** An in-core lane that refused is asked again after ten minutes. */
const HANDOVER_MS = 11 * MINUTE_MS;
/** Who is outside of the window is held within this. */
const HELD_WITHIN_MS = 4 * MINUTE_MS;

const holdsHaveACause: Invariant = {
  name: "holds-have-a-cause",
  promise:
    "a hold is justified by the world at that moment, and goes within twelve minutes of calm after its cause has gone",
  facts: ["repository", "ordered", "limited", "survived", "unprepared", "muddled", "lost"],
  watch() {
    let newest: Wanted | null = null;
    const paused = new Set<string>();
    /** By account, true time until which a provider refuses it. */
    const limited = new Map<string, number>();
    const survived = new Set<string>();
    const muddled = new Set<string>();
    let lost = false;
    let unpreparedMs = Number.NEGATIVE_INFINITY;
    /** Since when a hold has had no cause, by what it is. */
    const idle = new Map<string, number>();
    const outside = new Map<string, number>();

    /** Null: it is as it should be. Otherwise what is missing, in words. */
    function missing(hold: Hold, state: CloneState, moment: Moment): string | null {
      const { mission, name } = state;
      switch (hold.kind) {
        case "operator": {
          if (hold.owner !== "repository")
            return paused.has(`${name} ${hold.owner}`) ? null : "nobody paused it";
          const file = mission === null ? undefined : newest?.missions.get(mission.name);
          const speaks = file !== undefined && newest?.broken.has(`mission/${mission?.name}`) === false;
          return speaks && file.paused === false ? "its file does not pause it" : null;
        }
        case "window":
          return opennessAt(mission?.limits.autonomy_window ?? null, moment.now) === "open"
            ? "its window is open"
            : null;
        case "throttle": {
          const until = limited.get(accountOf(state)) ?? Number.NEGATIVE_INFINITY;
          return moment.elapsedMs < until + LIMIT_EXTRA_MS ? null : "no provider refuses it";
        }
        case "gate":
          return moment.elapsedMs - unpreparedMs < UNPREPARED_MS ? null : "everything can be prepared";
        case "rollout": {
          if (hold.owner === "in_core" && moment.now - hold.since < HANDOVER_MS) return null;
          const inCore =
            newest?.mode == null || newest.mode === "in_core_only" || (moment.pin ?? null) !== null;
          return inCore && hold.owner !== "in_core" ? null : "the fleet runs as usual";
        }
        case "freeze":
          return frozen(hold, state, moment);
        case "budget":
          return hold.owner === "supervisor" ? asked(hold, state) : dayCap(hold, moment);
        case "approval":
        case "stuck":
          return asked(hold, state);
        case "quarantine":
          return state.phase === "Quarantined" ? null : `it is ${state.phase}`;
      }
    }

    function frozen(hold: Hold, { name, mission }: CloneState, { living }: Moment): string | null {
      if (hold.reason === "Survivors") {
        const left = living === null || living.some(({ clone }) => clone === name);
        return left && survived.has(name) ? null : "nothing of it lives";
      }
      if (hold.reason === "LedgerIncomplete") return lost ? null : "no record was lost";
      return muddled.has(`${mission?.missionId}/${hold.evidence}`)
        ? null
        : "its agent did nothing twice or unseen";
    }

    function dayCap(hold: Hold, { now }: Moment): string | null {
      const zone = newest?.dayTimezone ?? null;
      if (zone === null) return "no day has a cap";
      return dateIn(zone, now) === dateIn(zone, hold.since) ? null : "the day is over";
    }

    return {
      on(fact, elapsedMs) {
        if (fact.type === "repository" && fact.ok) newest = fact.wanted;
        if (fact.type === "ordered" && fact.order === "pause") paused.add(`${fact.clone} ${fact.by}`);
        if (fact.type === "limited") {
          const account = newest?.accounts?.get(fact.clone) ?? `clone ${fact.clone}`;
          limited.set(account, Math.max(limited.get(account) ?? 0, fact.untilMs));
        }
        if (fact.type === "survived") survived.add(fact.clone);
        if (fact.type === "muddled") muddled.add(`${fact.missionId}/${fact.key}`);
        if (fact.type === "unprepared") unpreparedMs = elapsedMs;
        if (fact.type === "lost") lost = true;
        return FINE;
      },
      at(moment): readonly Finding[] {
        if (!moment.calm || moment.inForce == null) {
          idle.clear();
          outside.clear();
          return FINE;
        }
        const findings: Finding[] = [];
        const withinMs = moment.unfinished === null ? WITHIN_MS : AT_REST_MS;
        const seen = new Set<string>();
        for (const state of moment.states.values()) {
          findings.push(...unheld(state, moment));
          for (const hold of state.holds) {
            const why = missing(hold, state, moment);
            if (why === null) continue;
            const key = `${state.name} ${hold.kind} ${hold.owner} ${hold.since}`;
            seen.add(key);
            const since = idle.get(key) ?? moment.elapsedMs;
            idle.set(key, since);
            if (moment.elapsedMs - since > withinMs)
              findings.push(
                ...found(
                  state.name,
                  null,
                  `it is held (${hold.kind}, ${hold.message}), and ${why} for ${moment.elapsedMs - since} ms`,
                ),
              );
          }
        }
        for (const key of idle.keys()) if (!seen.has(key)) idle.delete(key);
        return findings;
      },
    };

    /** The other way round: outside of its window nobody works. */
    function unheld(
      { name, mission, holds, phase }: CloneState,
      { now, elapsedMs }: Moment,
    ): readonly Finding[] {
      const window = mission?.limits.autonomy_window ?? null;
      const closed = mission !== null && mission.terminal === null && opennessAt(window, now) === "closed";
      if (!closed || holds.some(({ kind }) => kind === "window") || phase === "Retired") {
        outside.delete(name);
        return FINE;
      }
      const since = outside.get(name) ?? elapsedMs;
      outside.set(name, since);
      return elapsedMs - since > HELD_WITHIN_MS
        ? found(name, null, `its window is closed for ${elapsedMs - since} ms, and nothing holds it`)
        : FINE;
    }
  },
};

/** A hold that waits for people has asked them. */
function asked({ kind, owner }: Hold, { requests }: CloneState): string | null {
  return requests.some(({ hold }) => hold?.kind === kind && hold.owner === owner) ? null : "nobody is asked";
}

/** As its file names it; a clone that names none has one of its own. */
function accountOf({ spec, name }: CloneState): string {
  return spec?.agent.account ?? `clone ${name}`;
}

export const CAUSE_INVARIANTS: readonly Invariant[] = [holdsHaveACause];
