/** The in-core lane and the boundary between two turns. */
import { FINE, found, type Invariant } from "../fact.ts";

/** The other lane may have taken it, whether or not we heard of that: it would be done twice. */
const handedOnNeverStarts: Invariant = {
  name: "handed-on-never-starts",
  promise:
    "a mission that was offered to the in-core lane is started by no clone, nor one that was dispatched offered",
  facts: ["recorded"],
  watch() {
    return {
      on(fact) {
        if (fact.type !== "recorded") return FINE;
        const { before, event, effects, ignored } = fact;
        const mission = before.mission;
        if (mission === null || ignored) return FINE;
        const offers = effects.some(({ type }) => type === "hand_over");
        if (offers && (mission.dispatchedAt !== null || before.instance !== null))
          return found(
            event.clone,
            event.seq,
            `${mission.name} was dispatched before and is offered to the in-core lane`,
          );
        const starts = effects.some(({ type }) => type === "launch" || type === "dispatch");
        if (starts && mission.handover !== null)
          return found(
            event.clone,
            event.seq,
            `${mission.name} was offered to the in-core lane and is started here`,
          );
        return FINE;
      },
    };
  },
};

/** A change that waits for a good moment has to get one. */
const changesBetweenTurns: Invariant = {
  name: "changes-between-turns",
  promise:
    "a working instance is replaced for a changed declaration only where its file wants that, and while nothing holds it and nobody is asked",
  facts: ["recorded"],
  watch() {
    return {
      on(fact) {
        if (fact.type !== "recorded" || fact.event.event.type !== "turn.reached" || fact.ignored) return FINE;
        const { before, event } = fact;
        const wanted = before.spec?.update === "turn_boundary" && before.drift !== null;
        const free = before.holds.length === 0 && before.requests.length === 0;
        return wanted && free
          ? FINE
          : found(event.clone, event.seq, "it was replaced at a moment that was not between two turns");
      },
    };
  },
};

export const LANE_INVARIANTS: readonly Invariant[] = [handedOnNeverStarts, changesBetweenTurns];
