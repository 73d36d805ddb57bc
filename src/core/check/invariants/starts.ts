/** What must be true before anything is started. */

import type { CloneState } from "../../model/clone-state.ts";
import type { ConditionType } from "../../model/condition.ts";
import { FINE, type Finding, found, type Invariant, type Wanted } from "../fact.ts";

/** An epoch is used up only for a mission that is assigned and not over, whose contract stands in the accepted revision that it names. */
const reviewedContractFirst: Invariant = {
  name: "reviewed-contract-first",
  promise: "nothing starts without an assigned mission whose contract came from an accepted revision",
  watch() {
    const accepted = new Map<string, Wanted>();
    function unreviewed(state: CloneState): string | null {
      const { mission } = state;
      if (mission === null) return "it is started without a mission";
      if (mission.terminal !== null)
        return `it is started for ${mission.name}, which is ${mission.terminal.status}`;
      if (accepted.size === 0) return null;
      const wanted = accepted.get(mission.revision);
      if (wanted === undefined)
        return `${mission.name} is of revision ${mission.revision}, which was never accepted`;
      const contract = wanted.missions.get(mission.name);
      if (contract === undefined || wanted.broken.has(`mission/${mission.name}`))
        return `revision ${mission.revision} holds no usable contract of ${mission.name}`;
      const { run, objective, clone } = mission.contract;
      const same =
        contract.run === run && contract.objective.trim() === objective.trim() && contract.clone === clone;
      return same && clone === state.name
        ? null
        : `the contract of ${mission.name} is not the one that was reviewed`;
    }
    return {
      on(fact) {
        if (fact.type === "repository" && fact.ok) accepted.set(fact.wanted.revision, fact.wanted);
        if (fact.type !== "recorded") return FINE;
        const starts = fact.effects.some(({ type }) => type === "launch" || type === "prepare");
        const problem = starts ? unreviewed(fact.after) : null;
        return problem === null ? FINE : found(fact.event.clone, fact.event.seq, problem);
      },
    };
  },
};

/** Runbook 3.2 to 3.6, 4.1 and 4.3: what has to be met, with evidence, before a mission is handed over. */
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

/** Whatever comes up was asked for in the record first, with this epoch and nonce; an agent only after its dispatch. */
const recordComesFirst: Invariant = {
  name: "record-comes-first",
  promise: "nothing comes up that the record did not ask for before",
  watch() {
    const asked = new Set<string>();
    return {
      on(fact) {
        if (fact.type === "recorded") {
          for (const effect of fact.effects) {
            if (effect.type === "launch")
              asked.add(`launch ${fact.event.clone}/${effect.epoch} ${effect.nonce}`);
            if (effect.type === "dispatch") asked.add(`dispatch ${fact.event.clone}/${effect.epoch}`);
          }
        }
        if (fact.type !== "act") return FINE;
        const { clone, epoch, nonce } = fact;
        if (fact.act === "spawned" && !asked.has(`launch ${clone}/${epoch} ${nonce}`))
          return found(clone, null, `epoch ${epoch} came up without a launch on record`);
        if (fact.act === "agent_started" && !asked.has(`dispatch ${clone}/${epoch}`))
          return found(clone, null, `an agent was started in epoch ${epoch} without a dispatch on record`);
        return FINE;
      },
    };
  },
};

export const START_INVARIANTS: readonly Invariant[] = [
  reviewedContractFirst,
  gatesBeforeDispatch,
  recordComesFirst,
];
