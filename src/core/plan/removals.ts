/** What the record has and the repository no longer names. Removals pass the deletion guard before they are steps. */
import type { CloneState } from "../model/clone-state.ts";
import type { DesiredState } from "../model/desired.ts";
import { type Held, type PlanStepDraft, stepOn } from "./step.ts";

export interface RemovalSteps {
  readonly withdraw: readonly PlanStepDraft[];
  readonly prune: readonly PlanStepDraft[];
  /** A broken file is not a removed file. */
  readonly held: readonly Held[];
}

export function planRemovals(desired: DesiredState, states: ReadonlyMap<string, CloneState>): RemovalSteps {
  const withdraw: PlanStepDraft[] = [];
  const prune: PlanStepDraft[] = [];
  const held: Held[] = [];
  for (const state of states.values()) {
    const { name, mission } = state;
    if (!desired.clones.has(name) && !state.withdrawn && state.spec !== null) {
      if (desired.broken.has(`clone/${name}`)) {
        held.push({
          subject: `clone/${name}`,
          step: "prune",
          reason: "SpecInvalid",
          message: "its file is broken; its last good generation is kept",
        });
      } else if (state.phase !== "Retired") prune.push(pruning(state, desired));
    }
    if (mission === null || mission.terminal !== null || state.withdrawn) continue;
    if (desired.missions.has(mission.name)) continue;
    if (desired.broken.has(`mission/${mission.name}`)) {
      held.push({
        subject: `mission/${mission.name}`,
        step: "withdraw",
        reason: "SpecInvalid",
        message: "its file is broken; its last good contract is kept",
      });
    } else withdraw.push(withdrawing(state, mission.name, desired));
  }
  return { withdraw, prune, held };
}

function pruning(state: CloneState, { revision }: DesiredState): PlanStepDraft {
  return stepOn(state, {
    type: "prune",
    why: { trigger: "its file was removed" },
    event: { type: "clone.withdrawn", revision, reason: `clones/${state.name}.yaml was removed` },
  });
}

function withdrawing(state: CloneState, mission: string, { revision }: DesiredState): PlanStepDraft {
  return stepOn(state, {
    type: "withdraw",
    why: { trigger: "its file was removed" },
    event: { type: "mission.withdrawn", revision, reason: `missions/${mission}.yaml was removed` },
  });
}
