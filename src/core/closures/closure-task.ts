/** What is to be done about the pull request of a closure: opened, looked at, or called off. */
import { actorText } from "../model/actor.ts";
import type { CloneState, ClosedMission } from "../model/clone-state.ts";
import type { DesiredState } from "../model/desired.ts";

export type ClosureTask =
  /** Nobody has decided, and people are asked. */
  | { readonly type: "ask"; readonly closed: ClosedMission }
  /** It is open, and there is nothing left to decide in it. `because` as a sentence. */
  | { readonly type: "call_off"; readonly closed: ClosedMission; readonly because: string };

/** Everything that a lane's closures ask for, the newest first. A mission whose pull request was closed or merged needs none. */
export function closureTasks(state: CloneState, desired: DesiredState): readonly ClosureTask[] {
  const tasks: ClosureTask[] = [];
  // What its file says cannot be known, and nothing is written over it.
  if (desired.broken.has(`clone/${state.name}`)) return tasks;
  for (const closed of [...state.past].reverse()) {
    const because = whyOver(state, closed, desired);
    if (because === null) {
      if (closed.pull === undefined || closed.pull.state === "open") tasks.push({ type: "ask", closed });
    } else if (closed.pull?.state === "open") tasks.push({ type: "call_off", closed, because });
  }
  return tasks;
}

/** Null: it waits for a person, and one decision about its clone is open. */
function whyOver(state: CloneState, closed: ClosedMission, desired: DesiredState): string | null {
  const { decision, decidedBy } = closed;
  const by = decidedBy === null ? "" : ` by ${actorText(decidedBy)}`;
  if (decision !== "undecided") return `It is decided${by}: ${decision}.`;
  if (closed !== state.past.at(-1)) return `${state.name} has closed another mission since.`;
  if (state.mission !== null) return `${state.name} works on ${state.mission.name} by now.`;
  if (state.phase === "Retired") return `${state.name} is retired.`;
  if (!desired.clones.has(state.name)) return `clones/${state.name}.yaml is no longer there.`;
  return null;
}

/** Below it stand the branches of the pull requests about closures. */
export const CLOSURE_BRANCHES = "factory/closure/";

/** Branch, address and key of a closure's pull request: one for each run of a mission. */
export function closureBranchId({ name, run }: Pick<ClosedMission, "name" | "run">): string {
  return `${name}-${run}`;
}
