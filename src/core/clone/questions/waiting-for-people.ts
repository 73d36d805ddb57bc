import type { CloneState } from "../../model/clone-state.ts";
import type { HoldKind } from "../../model/hold.ts";
import type { Instant } from "../../model/time.ts";
import { withMission } from "../step.ts";

/** Holds that only a person ends; the others end by time or by themselves. */
const NEEDS_PEOPLE: ReadonlySet<HoldKind> = new Set([
  "operator",
  "budget",
  "approval",
  "freeze",
  "quarantine",
  "stuck",
]);

export function waitsForPeople(state: CloneState): boolean {
  return state.phase === "Postmortem" || state.holds.some((hold) => NEEDS_PEOPLE.has(hold.kind));
}

/** Keeps the time that a mission waited for people, for its scorecard. */
export function meterPeople(after: CloneState, at: Instant): CloneState {
  const { mission } = after;
  if (mission === null) return after;
  const waits = waitsForPeople(after);
  if (waits && mission.waitingSince === null) return withMission(after, { waitingSince: at });
  if (!waits && mission.waitingSince !== null) {
    return withMission(after, {
      waitedForPeopleMs: mission.waitedForPeopleMs + Math.max(0, at - mission.waitingSince),
      waitingSince: null,
    });
  }
  return after;
}
