/** Missions: each ends once, and is closed once, with its end. */
import type { CloneState } from "../../model/clone-state.ts";
import { FINE, found, type Invariant } from "../fact.ts";

const TERMINAL_REPORTS = new Set([
  "mission.completed",
  "mission.failed",
  "mission.cancelled",
  "mission.timed_out",
]);

/** A mission leaves its lane by its closure and by nothing else; what is closed never comes back. */
const oneClosurePerEnd: Invariant = {
  name: "one-closure-per-end",
  ofOneRecord: true,
  promise: "every end leads to exactly one closure",
  facts: ["recorded"],
  watch() {
    const closed = new Set<string>();
    return {
      on(fact) {
        if (fact.type !== "recorded") return FINE;
        const { before, after, event, ignored } = fact;
        const say = (message: string) => found(event.clone, event.seq, message);
        if (event.event.type === "clone.restored") {
          if (ignored) return say("it was restored although the record knew it");
          for (const past of after.past) closed.add(past.missionId);
          return FINE;
        }
        const added = newlyClosed(before, after);
        if (added.length > 1) return say(`${added.length} missions were closed by one event`);
        for (const missionId of added) {
          if (closed.has(missionId)) return say(`mission ${missionId} is closed twice`);
          if (before.mission?.missionId !== missionId)
            return say(`mission ${missionId} is closed and was not on this lane`);
          closed.add(missionId);
        }
        const left = before.mission !== null && after.mission?.missionId !== before.mission.missionId;
        if (left && added[0] !== before.mission?.missionId)
          return say(`mission ${before.mission?.name} left its lane without a closure`);
        if (before.mission === null && after.mission !== null && closed.has(after.mission.missionId))
          return say(`mission ${after.mission.name} is closed and was assigned again`);
        if (
          event.event.type === "instance.reported" &&
          !ignored &&
          TERMINAL_REPORTS.has(event.event.report.type)
        ) {
          if (before.mission !== null && after.mission !== null && after.mission.terminal === null)
            return say(`${event.event.report.type} was taken and the mission goes on`);
        }
        if (
          before.mission?.terminal != null &&
          after.mission?.missionId === before.mission.missionId &&
          after.mission.terminal?.at !== before.mission.terminal.at
        )
          return say("the first end of a mission was changed by a later one");
        return FINE;
      },
    };
  },
};

/** A closure has an end, no living instance, and the proof of death of the last one. */
const closureNeedsEnd: Invariant = {
  name: "closure-needs-end",
  promise: "nothing is closed without a terminal state and without its instance being dead",
  facts: ["recorded"],
  watch() {
    return {
      on(fact) {
        if (fact.type !== "recorded") return FINE;
        const { before, after, event } = fact;
        for (const missionId of newlyClosed(before, after)) {
          const report = after.past.find((past) => past.missionId === missionId);
          const say = (message: string) =>
            found(event.clone, event.seq, `mission ${missionId} is closed ${message}`);
          if (report == null || report.terminal == null) return say("without an end");
          if (after.instance !== null)
            return say(`while epoch ${after.instance.epoch} is on record as alive`);
          if (report.acceptedAt !== null && report.proof === null)
            return say("without a proof that its instance is dead");
          if (report.outcome === "accepted" && report.verdict === null)
            return say("as accepted without a verdict");
        }
        return FINE;
      },
    };
  },
};

function newlyClosed(before: CloneState, after: CloneState): readonly string[] {
  if (before.past === after.past) return [];
  const known = new Set(before.past.map((past) => past.missionId));
  return after.past.filter((past) => !known.has(past.missionId)).map((past) => past.missionId);
}

export const CLOSURE_INVARIANTS: readonly Invariant[] = [oneClosurePerEnd, closureNeedsEnd];
