/** Meters: what was used is never forgotten, and whoever is ended for spending had been stopped and went on. */

import type { CloneState } from "../../model/clone-state.ts";
import { FINE, found, type Invariant, type Recorded } from "../fact.ts";

/** Late reports, mistakes of agents and the end of an instance move meters up or not at all, and what they say is a number. */
const metersNeverShrink: Invariant = {
  name: "meters-never-shrink",
  promise: "what a clone and its mission have used never becomes less, and is a finite number",
  facts: ["recorded"],
  watch() {
    return {
      on(fact) {
        if (fact.type !== "recorded" || fact.event.event.type === "clone.restored") return FINE;
        const { before, after, event } = fact;
        const [was, is] = [metersOf(before), metersOf(after)];
        const same = before.mission !== null && before.mission.missionId === after.mission?.missionId;
        for (const [meter, now] of Object.entries(is)) {
          const then = was[meter] ?? 0;
          const falls = now < then && (same || !OF_MISSION.has(meter));
          if (!Number.isFinite(now) || now < 0 || falls)
            return found(
              event.clone,
              event.seq,
              `${meter} goes from ${then} to ${now} by ${event.event.type}`,
            );
        }
        return FINE;
      },
    };
  },
};

/** They begin anew with a mission. */
const OF_MISSION: ReadonlySet<string> = new Set(["active_ms"]);

/** In the whole life of the clone, as far as it is known. */
function metersOf({ spent, instance, mission }: CloneState): Readonly<Record<string, number>> {
  return {
    llm_calls: spent.llmCalls + (instance?.llmCalls ?? 0),
    cost_micros: spent.costMicros + (instance?.costMicros ?? 0),
    active_ms: mission?.activeMs ?? 0,
  };
}

/** It was held, its pause was asked for, and what it had used then was taken down before more counted against it. */
export const PAUSED_BEFORE_ENDED: Invariant = {
  name: "paused-before-ended",
  promise: "nobody is ended for spending who was not paused before and spent on all the same",
  facts: ["recorded"],
  watch() {
    return {
      on(fact) {
        if (fact.type !== "recorded" || fact.event.event.type !== "runaway.detected" || fact.ignored)
          return FINE;
        const problem = unasked(fact);
        return problem === null ? FINE : found(fact.event.clone, fact.event.seq, problem);
      },
    };
  },
};

export function unasked({ before }: Recorded): string | null {
  const { instance, holds, requests } = before;
  if (holds.length === 0) return "it is ended as a runaway and nothing held it";
  if (instance?.pauseAskedAt == null) return "it is ended as a runaway and was not asked to pause";
  if (instance.settled === null) return "it is ended as a runaway and nobody knows what it had used before";
  const byBudget = holds.some(({ kind, owner }) => kind === "budget" && owner === "supervisor");
  return byBudget && !requests.some(({ kind }) => kind === "budget")
    ? "it is ended as a runaway and nobody was asked about its budget"
    : null;
}

export const METER_INVARIANTS: readonly Invariant[] = [metersNeverShrink, PAUSED_BEFORE_ENDED];
