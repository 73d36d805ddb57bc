/** Holds: what is held does not move, and what moves while it is held is stopped in its tracks. */

import { pauseGraceMs } from "../../clone/stop/pause.ts";
import { MINUTE_MS } from "../../model/time.ts";
import { FINE, type Finding, found, type Invariant } from "../fact.ts";

/** Nothing is prepared, launched or dispatched for a clone with a hold; one that runs is asked to pause at once, and to go on when the last hold is gone. */
const heldStaysPut: Invariant = {
  name: "held-stays-put",
  promise: "a held clone is not dispatched, and a running one is asked to pause",
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

/** A pause that was asked for this long ago in calm has reached the agent. */
const PAUSED_WITHIN_MS = MINUTE_MS;

/** In calm, whoever has been held for a while is really paused; and when everything has settled, whoever is not held is not. */
const pauseIsReal: Invariant = {
  name: "pause-is-real",
  promise: "what is held is paused soon, and what is released goes on",
  watch() {
    return {
      at({ states, living, unfinished, calm, now }) {
        if (living === null || !calm) return FINE;
        const findings: Finding[] = [];
        for (const body of living) {
          const state = states.get(body.clone);
          const accepted = state?.instance?.acceptedAt ?? null;
          if (
            !body.agent ||
            state?.phase !== "Running" ||
            state.instance?.epoch !== body.epoch ||
            accepted === null
          )
            continue;
          const long = (since: number): boolean => now - since > PAUSED_WITHIN_MS;
          const graceMs = pauseGraceMs(state);
          const hold = state.holds.find((one) => long(one.since + graceMs));
          if (hold !== undefined && long(accepted) && !body.paused)
            findings.push(...found(body.clone, null, `it is held (${hold.reason}) and its agent works on`));
          if (unfinished !== null && state.holds.length === 0 && body.paused)
            findings.push(...found(body.clone, null, "its agent is frozen although nothing holds it"));
        }
        return findings;
      },
    };
  },
};

export const HOLD_INVARIANTS: readonly Invariant[] = [heldStaysPut, pauseIsReal];
