/** Budgets: money is asked about and not killed for, and what people decided stands. */

import { isOverBudget, limitsInForce } from "../../clone/spending/raise.ts";
import type { CloneEvent } from "../../model/event.ts";
import { BUDGET_FIELDS } from "../../model/request.ts";
import { FINE, found, type Invariant } from "../fact.ts";

/**
 * Whoever spends calls or money is paused and asked about, and at all of a limit its instance is ended, not its mission.
 * Only time that is over, and a runaway, end a mission by themselves.
 */
const budgetAsks: Invariant = {
  name: "budget-asks",
  promise: "a mission whose budget is almost spent is held with one open question, and not ended for it",
  facts: ["recorded"],
  watch() {
    return {
      on(fact) {
        if (fact.type !== "recorded") return FINE;
        const { before, after, event } = fact;
        const { mission } = after;
        if (mission === null) return FINE;
        const told = event.event;
        const ended = before.mission?.terminal === null && mission.terminal !== null;
        const ranAway = mission.incidents.some(({ class: of }) => of === "runaway");
        if (ended && !ranAway && told.type === "budget.crossed" && told.meter !== "runtime_minutes")
          return found(
            event.clone,
            event.seq,
            `it is ended because ${told.meter} is at ${told.used} of ${told.limit}`,
          );
        if (mission.terminal !== null || !isOverBudget(mission)) return FINE;
        const asked = after.requests.filter(({ kind }) => kind === "budget").length;
        const held = after.holds.some(({ kind, owner }) => kind === "budget" && owner === "supervisor");
        return held && asked === 1
          ? FINE
          : found(
              event.clone,
              event.seq,
              `its budget is almost spent; held: ${held}, open questions: ${asked}`,
            );
      },
    };
  },
};

/** What may change a limit in force: an answer, the file, the fleet's caps, and another record of all that. */
const CHANGES_LIMITS: ReadonlySet<CloneEvent["type"]> = new Set([
  "request.decided",
  "mission.limits_changed",
  "raise.ended",
  "clone.restored",
]);

/** A raise holds for as long as the file says the number that it answered. */
const raisesStand: Invariant = {
  name: "raises-stand",
  promise: "a limit that a decision raised is in force until the file or the fleet's caps say another number",
  facts: ["recorded"],
  watch() {
    return {
      on(fact) {
        if (fact.type !== "recorded") return FINE;
        const { before, after, event } = fact;
        const [old, now] = [before.mission, after.mission];
        if (old === null || now === null || old.missionId !== now.missionId) return FINE;
        const [was, is] = [limitsInForce(old).budget, limitsInForce(now).budget];
        for (const field of BUDGET_FIELDS) {
          if (was[field] === is[field]) continue;
          const sameFile = old.limits.budget[field] === now.limits.budget[field];
          const undone = event.event.type === "mission.limits_changed" && sameFile;
          if (!CHANGES_LIMITS.has(event.event.type) || undone)
            return found(
              event.clone,
              event.seq,
              `${field} went from ${was[field]} to ${is[field]} by ${event.event.type}`,
            );
        }
        return FINE;
      },
    };
  },
};

export const BUDGET_INVARIANTS: readonly Invariant[] = [budgetAsks, raisesStand];
