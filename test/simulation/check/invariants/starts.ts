/** What must be true before anything is started. */
import { REVIEWED_CONTRACT_FIRST, unassigned, uses } from "../../../../src/core/check/invariants/starts.ts";
import type { CloneState } from "../../../../src/core/model/clone-state.ts";
import { FINE, found, type Invariant, type Wanted } from "../fact.ts";

/** The contract of a mission that is started stands in the accepted revision that it names. */
const reviewedContractFirst: Invariant = {
  ...REVIEWED_CONTRACT_FIRST,
  facts: ["recorded", "repository"],
  watch() {
    const accepted = new Map<string, Wanted>();
    function unreviewed(state: CloneState): string | null {
      const { mission } = state;
      if (mission === null || mission.terminal !== null) return unassigned(state);
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
        const problem = uses(fact) ? unreviewed(fact.after) : null;
        return problem === null ? FINE : found(fact.event.clone, fact.event.seq, problem);
      },
    };
  },
};

/** Runbook 3.2 to 3.6, 4.1 and 4.3: what has to be met, with evidence, before a mission is handed over. */
/** Whatever comes up was asked for in the record first, with this epoch and nonce; an agent only after its dispatch. */
const recordComesFirst: Invariant = {
  name: "record-comes-first",
  promise: "nothing comes up that the record did not ask for before",
  facts: ["recorded", "act"],
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

export const START_INVARIANTS: readonly Invariant[] = [reviewedContractFirst, recordComesFirst];
