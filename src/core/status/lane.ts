import type { CloneState } from "../model/clone-state.ts";
import type { FleetSnapshot } from "./fleet.ts";

/**
 * The lane that a name means: a clone, the clone of a living mission, of the newest closed one, or of one that is
 * declared and has not got it yet. Null where nobody is called so.
 */
export function laneOf(
  name: string,
  { states, desired }: Pick<FleetSnapshot, "states" | "desired">,
): CloneState | null {
  const own = states.get(name);
  if (own !== undefined) return own;
  let closedOn: CloneState | null = null;
  for (const state of states.values()) {
    if (state.mission?.name === name) return state;
    if (state.past.some((past) => past.name === name)) closedOn = state;
  }
  if (closedOn !== null) return closedOn;
  const declared = desired?.missions.get(name)?.contract.clone;
  return declared === undefined ? null : (states.get(declared) ?? null);
}
