import type { CloneState } from "../model/clone-state.ts";
import { type PlanStepType, REMOVALS } from "./buckets.ts";
import type { PlanStep } from "./step.ts";

/** Steps that are right only for the very state that they were planned for: `decide` alone would let some of them pass. */
const PLANNED_FOR_ONE_STATE: ReadonlySet<PlanStepType> = new Set(["assign", "handOver", "start"]);

/**
 * Which of one clone's steps are still right when their turn to be recorded has come. Between the plan and
 * that turn the record goes on, and the repository may have become unreadable or moved.
 *
 * - A removal needs `removals`: the repository that it was concluded from is still the one that is obeyed, and readable.
 * - A lane, a handover and a start need the state that they were planned for: the version of the first step, and every step
 *   before them.
 * - Everything else is as right as ever: what stops, limits or declares passes, and `decide` says what it means by now.
 */
export function stillTrue(
  steps: readonly PlanStep[],
  state: Pick<CloneState, "version">,
  { removals }: { readonly removals: boolean },
): readonly PlanStep[] {
  let asPlanned = steps[0]?.version === state.version;
  return steps.filter((step) => {
    const stale = REMOVALS.has(step.type) ? !removals : PLANNED_FOR_ONE_STATE.has(step.type) && !asPlanned;
    if (stale) asPlanned = false;
    return !stale;
  });
}
