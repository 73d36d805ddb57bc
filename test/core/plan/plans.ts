import type { CloneState } from "../../../src/core/model/clone-state.ts";
import type { DesiredState } from "../../../src/core/model/desired.ts";
import { type PlannedAction, plan } from "../../../src/core/plan/plan.ts";
import { anObserved, Life, T0 } from "../../support/fleet.ts";

export type Planned = ReturnType<typeof plan>;

export const kinds = (made: Planned): readonly string[] =>
  made.actions.map((action) => `${action.type} ${action.clone}`);
export const reasons = (made: Planned): readonly string[] =>
  made.held.map(({ subject, action, reason }) => `${subject} ${action} ${reason}`);

export function planned(
  desired: DesiredState | null,
  states: readonly CloneState[],
  parts: Parameters<typeof anObserved>[1] & { readonly killSwitch?: readonly never[] } = {},
): Planned {
  return plan(desired, anObserved(states, parts), T0);
}

/** At work on a mission of its own. */
export function working(name: string, mission = `m-${name}`, at = T0): Life {
  const life = new Life(name, at).declared().assigned({}, mission);
  return life.planned().prepared().launched().ready().dispatched().reports("mission.accepted");
}

export function onlyAction(made: Planned): PlannedAction {
  const [action, ...others] = made.actions;
  if (action === undefined || others.length > 0) throw new Error(`${made.actions.length} actions`);
  return action;
}
