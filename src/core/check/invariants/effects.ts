/** Effects are never so lost that a clone waits for ever. */

import type { CloneState } from "../../model/clone-state.ts";
import { type Finding, found, type Invariant, type OpenEffect } from "../fact.ts";

/** In every phase that is left by an answer or by time there is an effect under way or a deadline set. */
const nothingStranded: Invariant = {
  name: "nothing-stranded",
  promise: "whatever a clone waits for is on its way",
  facts: [],
  watch() {
    return {
      at(moment) {
        const open = new Map<string, OpenEffect[]>();
        for (const effect of moment.effects) {
          const list = open.get(effect.clone);
          if (list === undefined) open.set(effect.clone, [effect]);
          else list.push(effect);
        }
        const findings: Finding[] = [];
        for (const state of moment.states.values()) {
          const problem = stranded(state, open.get(state.name) ?? []);
          if (problem !== null) findings.push(...found(state.name, null, problem));
        }
        return findings;
      },
    };
  },
};

function stranded(state: CloneState, open: readonly OpenEffect[]): string | null {
  const { instance, phase } = state;
  const waits = (type: string): boolean =>
    open.some(
      ({ effect }) => effect.type === type && (!("epoch" in effect) || effect.epoch === instance?.epoch),
    );
  const bodiless =
    phase === "Idle" ||
    phase === "Preparing" ||
    phase === "BackingOff" ||
    phase === "Quarantined" ||
    phase === "Judging" ||
    phase === "Postmortem" ||
    phase === "Retired";
  if (bodiless !== (instance === null))
    return `it is ${phase} ${instance === null ? "without" : "with"} an instance on record`;
  switch (phase) {
    case "Preparing":
      return waits("prepare") ? null : "it is Preparing and nobody prepares it";
    case "Starting":
      return state.deadlineAt !== null || instance?.readyAt != null
        ? null
        : "it is Starting without a deadline";
    case "Dispatching":
    case "BackingOff":
      return state.deadlineAt !== null ? null : `it is ${phase} without a deadline`;
    case "Stopping":
      return waits("stop") || state.deadlineAt !== null ? null : "it is Stopping and nobody stops it";
    case "Judging":
      return waits("judge") || state.deadlineAt !== null ? null : "it is Judging and nobody judges it";
    case "Postmortem":
      return state.requests.some((request) => request.kind === "postmortem")
        ? null
        : "it waits for a postmortem that nobody was asked for";
    case "Quarantined":
      return state.holds.some((hold) => hold.kind === "quarantine")
        ? null
        : "it is Quarantined without a hold that could be released";
    default:
      return null;
  }
}

export const EFFECT_INVARIANTS: readonly Invariant[] = [nothingStranded];
