import { type CloneState, isRunClosed } from "../model/clone-state.ts";
import type { DesiredMission } from "../model/mission.ts";

/** What the record knows of a declared run. */
export type Whereabouts =
  /** It is over, on its own lane or on another: it is not run again. */
  | { readonly type: "closed" }
  /** It has its lane, which is not always the one that its file names by now. */
  | { readonly type: "lives"; readonly home: CloneState }
  /** Another run of the same mission has a lane; runs follow each other. */
  | { readonly type: "earlier"; readonly home: CloneState }
  | { readonly type: "nowhere" };

/**
 * Looks runs up over all lanes. A run has one lane in its life: whatever clone its file names later, it lives
 * on where it was assigned, and is not run again elsewhere once it is closed.
 */
export function recordedRuns(
  states: ReadonlyMap<string, CloneState>,
): (mission: DesiredMission) => Whereabouts {
  // Made when somebody asks, because most missions are where their file says.
  let index: RunIndex | null = null;
  return (mission) => {
    const state = states.get(mission.contract.clone);
    if (state?.mission?.missionId === mission.missionId) return { type: "lives", home: state };
    if (state !== undefined && isRunClosed(state, { ...mission, run: mission.contract.run }))
      return { type: "closed" };
    index ??= indexRuns(states);
    const home = index.living.get(mission.name);
    if (home?.mission?.missionId === mission.missionId) return { type: "lives", home };
    if (index.closed.has(mission.missionId)) return { type: "closed" };
    return home === undefined ? { type: "nowhere" } : { type: "earlier", home };
  };
}

interface RunIndex {
  /** By the name of the mission: the lane that has it, whichever its run. */
  readonly living: ReadonlyMap<string, CloneState>;
  /** Ids of missions. */
  readonly closed: ReadonlySet<string>;
}

function indexRuns(states: ReadonlyMap<string, CloneState>): RunIndex {
  const living = new Map<string, CloneState>();
  const closed = new Set<string>();
  for (const state of states.values()) {
    if (state.mission !== null) living.set(state.mission.name, state);
    for (const past of state.past) closed.add(past.missionId);
  }
  return { living, closed };
}
