/** Holds: what is held does not move, and what moves while it is held is stopped in its tracks. */

import { FINE, found, type Invariant } from "../fact.ts";

/** Nothing is prepared, launched or dispatched for a clone with a hold; one that runs is asked to pause at once, and to go on when the last hold is gone. */
const heldStaysPut: Invariant = {
  name: "held-stays-put",
  promise: "a held clone is not dispatched, and a running one is asked to pause",
  facts: ["recorded"],
  watch() {
    return {
      on(fact) {
        if (fact.type !== "recorded") return FINE;
        const { after, effects, event } = fact;
        const held = after.holds.length > 0;
        const start = effects.find(
          ({ type }) => type === "prepare" || type === "launch" || type === "dispatch",
        );
        if (held && start !== undefined)
          return found(
            event.clone,
            event.seq,
            `${start.type} is asked for although it is held: ${after.holds[0]?.message}`,
          );
        const { instance, mission } = after;
        const runs = after.phase === "Running" && instance !== null && instance.stopping === null;
        if (runs && mission !== null && mission.terminal === null && instance.pauseAsked !== held)
          return found(
            event.clone,
            event.seq,
            held ? "it runs on although it is held" : "it is paused although nothing holds it",
          );
        return FINE;
      },
    };
  },
};

export const HOLD_INVARIANTS: readonly Invariant[] = [heldStaysPut];
