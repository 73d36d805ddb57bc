import type { CloneState } from "../../../../src/core/model/clone-state.ts";
import { MINUTE_MS, SECOND_MS } from "../../../../src/core/model/time.ts";
import { FINE, type Finding, found, type Invariant } from "../fact.ts";

/** A pause that was asked for this long ago in calm has reached the agent. */
const PAUSED_WITHIN_MS = MINUTE_MS;

/** What its files allow it to go on for after a pause was asked for; the mission's word goes before the clone's. */
function graceMsOf({ mission, spec }: CloneState): number {
  const seconds = mission?.limits.pause_grace_seconds;
  return seconds === undefined ? (spec?.pauseGraceMs ?? 0) : seconds * SECOND_MS;
}

/** In calm, whoever has been held for a while is really paused; and when everything has settled, whoever is not held is not. */
const pauseIsReal: Invariant = {
  name: "pause-is-real",
  promise: "what is held is paused soon, and what is released goes on",
  facts: [],
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
          const graceMs = graceMsOf(state);
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

export const HOLD_INVARIANTS: readonly Invariant[] = [pauseIsReal];
