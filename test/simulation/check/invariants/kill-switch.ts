/** The kill switch: what it covers does not start, and what lives of it ends. */

import type { CloneState } from "../../../../src/core/model/clone-state.ts";
import {
  type SwitchEntry,
  type SwitchScope,
  type SwitchSubject,
  scopeText,
} from "../../../../src/core/model/kill-switch.ts";
import { MINUTE_MS } from "../../../../src/core/model/time.ts";
import { FINE, type Finding, found, type Invariant } from "../fact.ts";

/** A controller that was awake for this long has read the switch, and every pass that had begun before is over. */
const SEEN_WITHIN_MS = 2 * MINUTE_MS;
/** In calm the whole ladder with its proof takes less. */
const ENDED_WITHIN_MS = 3 * MINUTE_MS;

/**
 * The witness says what stands in the switch's file. A controller that stood still meanwhile could not have read it, so
 * a start counts only when it has written something in between.
 */
const switchIsObeyed: Invariant = {
  name: "switch-is-obeyed",
  promise: "what the kill switch covers does not start, and what lives of it ends",
  facts: ["committed", "recorded", "switched"],
  watch() {
    /** With the true time since when it stands there. */
    let engaged: readonly { readonly entry: SwitchEntry; readonly sinceMs: number }[] = [];
    /** When something was written, in steps; oldest first. */
    let commits: readonly number[] = [];

    function coveredFor(subject: SwitchSubject, ms: number, atMs: number): SwitchEntry | null {
      const long = engaged.filter(({ sinceMs }) => atMs - sinceMs > ms);
      return long.find(({ entry }) => concerns(entry.scope, subject))?.entry ?? null;
    }

    /** Something was written at a time at which the switch had been read, and long enough before this. */
    function wasAwake(sinceMs: number, decidedMs: number): boolean {
      return commits.some((at) => at > sinceMs + SEEN_WITHIN_MS && at < decidedMs - SEEN_WITHIN_MS);
    }

    return {
      on(fact, elapsedMs) {
        if (fact.type === "switched") {
          const known = new Map(engaged.map((one) => [scopeText(one.entry.scope), one]));
          engaged = fact.engaged.map(
            (entry) => known.get(scopeText(entry.scope)) ?? { entry, sinceMs: elapsedMs },
          );
        }
        const decidedAt = fact.type === "committed" ? (fact.decidedMs ?? elapsedMs) : null;
        if (decidedAt !== null && engaged.length > 0 && decidedAt - (commits.at(-1) ?? 0) > COMMIT_STEP_MS)
          commits = [...commits.slice(1 - COMMITS_KEPT), decidedAt];
        if (fact.type !== "recorded" || engaged.length === 0) return FINE;
        const { after, effects, event, decidedMs } = fact;
        const start = effects.find(({ type }) => STARTS.has(type));
        if (start === undefined) return FINE;
        const entry = coveredFor(subjectOf(after), 2 * SEEN_WITHIN_MS, decidedMs);
        const since = engaged.find((one) => one.entry === entry)?.sinceMs ?? Number.POSITIVE_INFINITY;
        return entry !== null && wasAwake(since, decidedMs)
          ? found(
              event.clone,
              event.seq,
              `${start.type} is asked for although the kill switch is engaged for ${scopeText(entry.scope)}`,
            )
          : FINE;
      },
      at({ living, states, calm, elapsedMs: nowMs }) {
        if (living === null || !calm || engaged.length === 0) return FINE;
        const findings: Finding[] = [];
        for (const { clone, epoch } of living) {
          const state = states.get(clone);
          const subject = state === undefined ? { clone, mission: null, labels: {} } : subjectOf(state);
          const entry = coveredFor(subject, ENDED_WITHIN_MS, nowMs);
          if (entry !== null)
            findings.push(
              ...found(
                clone,
                null,
                `epoch ${epoch} lives although the kill switch is engaged for ${scopeText(entry.scope)}`,
              ),
            );
        }
        return findings;
      },
    };
  },
};

const COMMIT_STEP_MS = 10_000;
/** Of an hour; a switch that is engaged for longer is judged by these. */
const COMMITS_KEPT = 360;
const STARTS: ReadonlySet<string> = new Set(["prepare", "launch", "dispatch"]);

/** Everything, a mission or clone by its name, or what bears a label. */
function concerns(scope: SwitchScope, { clone, mission, labels }: SwitchSubject): boolean {
  if (scope.type === "fleet") return true;
  return scope.type === "label" ? labels[scope.key] === scope.value : [clone, mission].includes(scope.name);
}

function subjectOf({ name, mission }: CloneState): SwitchSubject {
  return { clone: name, mission: mission?.name ?? null, labels: mission?.labels ?? {} };
}

export const KILL_SWITCH_INVARIANTS: readonly Invariant[] = [switchIsObeyed];
