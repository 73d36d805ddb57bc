import type { CloneState } from "../model/clone-state.ts";
import type { ObservedState } from "./observed.ts";

/** Which runs the record knows, over all lanes. */
export interface RecordedRuns {
  /** Where a mission of this name lives, whichever its run. */
  livingAs(name: string): CloneState | undefined;
  isClosed(missionId: string): boolean;
}

/** Looked up only when somebody asks, because most missions are where their file says. */
export function recordedRuns(observed: ObservedState): RecordedRuns {
  let found: { living: Map<string, CloneState>; closed: Set<string> } | null = null;
  const index = () => {
    if (found !== null) return found;
    found = { living: new Map(), closed: new Set() };
    for (const state of observed.states.values()) {
      if (state.mission !== null) found.living.set(state.mission.name, state);
      for (const past of state.past) found.closed.add(past.missionId);
    }
    return found;
  };
  return {
    livingAs: (name) => index().living.get(name),
    isClosed: (missionId) => index().closed.has(missionId),
  };
}
