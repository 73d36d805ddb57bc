/** What must be true before anything is started. */

import type { CloneState } from "../../model/clone-state.ts";
import type { ConditionType } from "../../model/condition.ts";
import { FINE, type Finding, found, type Invariant, type Recorded } from "../fact.ts";

/** An epoch is used up only for a mission that is assigned and not over. */
export const REVIEWED_CONTRACT_FIRST: Invariant = {
  name: "reviewed-contract-first",
  promise: "nothing starts without an assigned mission whose contract came from an accepted revision",
  facts: ["recorded"],
  watch() {
    return {
      on(fact) {
        if (fact.type !== "recorded" || !uses(fact)) return FINE;
        const problem = unassigned(fact.after);
        return problem === null ? FINE : found(fact.event.clone, fact.event.seq, problem);
      },
    };
  },
};

/** Whether it begins a start. */
export function uses({ effects }: Recorded): boolean {
  return effects.some(({ type }) => type === "launch" || type === "prepare");
}

export function unassigned({ mission }: CloneState): string | null {
  if (mission === null) return "it is started without a mission";
  return mission.terminal === null
    ? null
    : `it is started for ${mission.name}, which is ${mission.terminal.status}`;
}

const GATES: readonly ConditionType[] = [
  "BaselineApplied",
  "OverlayApplied",
  "SecretsVerified",
  "EnvelopeValid",
  "KillSwitchArmed",
  "CallbackReachable",
  "Healthy",
];

/** A mission is handed over only to an instance with a kill handle on record, after every gate was looked at and met. */
const gatesBeforeDispatch: Invariant = {
  name: "gates-before-dispatch",
  promise: "nothing is dispatched before every gate is met and the kill switch is armed",
  facts: ["recorded"],
  watch() {
    return {
      on(fact) {
        if (fact.type !== "recorded" || !fact.effects.some(({ type }) => type === "dispatch")) return FINE;
        const { after, event } = fact;
        const findings: Finding[] = [];
        if (after.instance === null || after.instance.handle === null || after.instance.stopping !== null)
          findings.push(
            ...found(event.clone, event.seq, "a mission is handed over without a kill handle on record"),
          );
        for (const type of GATES) {
          const gate = after.gates.find((other) => other.type === type);
          if (gate === undefined || !gate.ok)
            findings.push(
              ...found(
                event.clone,
                event.seq,
                `a mission is handed over although ${type} is ${gate === undefined ? "not looked at" : "not met"}`,
              ),
            );
        }
        return findings;
      },
    };
  },
};

export const START_INVARIANTS: readonly Invariant[] = [REVIEWED_CONTRACT_FIRST, gatesBeforeDispatch];
