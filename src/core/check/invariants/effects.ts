/** Effects: asked for in the record, kept until they are settled, and never so lost that a clone waits for ever. */

import type { CloneState } from "../../model/clone-state.ts";
import { sameValue } from "../../model/same.ts";
import { FINE, type Finding, found, type Invariant, type OpenEffect, UNKNOWN } from "../fact.ts";

/** Every effect is written in the transaction that asked for it, and stays until it is settled. */
const effectsKept: Invariant = {
  name: "effects-kept",
  ofOneRecord: true,
  promise: "effects are settled or pending, never lost",
  watch() {
    const open = new Map<string, OpenEffect>();
    let asked: OpenEffect[] = [];
    let witnessed = true;
    return {
      on(fact) {
        if (fact.type === "recorded") {
          fact.effects.forEach((effect, index) => {
            asked.push({
              id: `${fact.event.clone}/${fact.after.version}/${index}`,
              clone: fact.event.clone,
              effect,
            });
          });
          return FINE;
        }
        if (fact.type !== "committed") return FINE;
        const findings: Finding[] = [];
        if (fact.effects === UNKNOWN) witnessed = false;
        else {
          for (const wanted of asked) {
            const written = fact.effects.find((other) => other.id === wanted.id);
            if (written === undefined || !sameValue(written.effect, wanted.effect))
              findings.push(
                ...found(
                  wanted.clone,
                  null,
                  `effect ${wanted.id} (${wanted.effect.type}) was asked for and not written`,
                ),
              );
          }
          if (fact.effects.length > asked.length)
            findings.push(...found(null, null, "an effect was written that no event asked for"));
        }
        for (const effect of fact.effects) open.set(effect.id, effect);
        for (const id of fact.settled) open.delete(id);
        asked = [];
        return findings;
      },
      at(moment) {
        if (!witnessed) return FINE;
        const stored = new Set(moment.effects.map(({ id }) => id));
        const lost = [...open.values()].filter(({ id }) => !stored.has(id));
        return lost.flatMap(({ id, clone, effect }) =>
          found(clone, null, `effect ${id} (${effect.type}) is neither settled nor pending`),
        );
      },
    };
  },
};

/** In every phase that is left by an answer or by time there is an effect under way or a deadline set. */
const nothingStranded: Invariant = {
  name: "nothing-stranded",
  promise: "whatever a clone waits for is on its way",
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

export const EFFECT_INVARIANTS: readonly Invariant[] = [effectsKept, nothingStranded];
