import type { CloneState } from "../../../src/core/model/clone-state.ts";
import type { DesiredState } from "../../../src/core/model/desired.ts";
import type { Plan } from "../../../src/core/plan/plan.ts";
import type { PlanStep } from "../../../src/core/plan/step.ts";
import { anObserved, Life, planOf, T0 } from "../../support/fleet.ts";

export type Planned = Plan;

export const kinds = (made: Planned): readonly string[] =>
  made.steps.map(({ type, clone }) => `${type} ${clone}`);
export const reasons = (made: Planned): readonly string[] =>
  made.held.map(({ subject, step, reason }) => `${subject} ${step} ${reason}`);

export function planned(
  desired: DesiredState | null,
  states: readonly CloneState[],
  parts: Parameters<typeof anObserved>[1] & { readonly killSwitch?: readonly never[] } = {},
): Planned {
  return planOf(desired, anObserved(states, parts), T0);
}

/** At work on a mission of its own. */
export function working(name: string, mission = `m-${name}`, at = T0): Life {
  const life = new Life(name, at).declared().assigned({}, mission);
  return life.planned().prepared().launched().ready().dispatched().reports("mission.accepted");
}

export function onlyStep(made: Planned): PlanStep {
  const [step, ...others] = made.steps;
  if (step === undefined || others.length > 0) throw new Error(`${made.steps.length} steps`);
  return step;
}
