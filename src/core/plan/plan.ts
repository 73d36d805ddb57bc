import type { PendingDeletion } from "../model/deletion.ts";
import type { DesiredState } from "../model/desired.ts";
import type { CloneEvent } from "../model/event.ts";
import { entryText } from "../model/kill-switch.ts";
import type { Instant } from "../model/time.ts";
import { sortIntoBuckets } from "./bucket.ts";
import { guardDeletions } from "./guard.ts";
import { planInCore } from "./in-core.ts";
import type { ObservedState } from "./observed.ts";
import { orderActions } from "./order.ts";
import { planPostmortems } from "./postmortems.ts";
import { planStarts } from "./starts.ts";

/** One step from observed to desired. `event` is what is recorded when it is taken: every effect leaves by that door. */
export interface PlannedAction {
  readonly type: ActionType;
  readonly clone: string;
  readonly mission: string | null;
  readonly why: Why;
  readonly event: CloneEvent;
}

export type ActionType =
  | "declare" // a clone is new, or its resolved spec changed
  | "replace" // changed before its mission was accepted: started again
  | "assign" // a mission gets its lane
  | "limit" // the limits of a living mission changed
  | "start"
  | "hold" // a hold of the whole fleet comes or goes
  | "hand_over" // goes to the in-core lane instead of a clone
  | "postmortem" // what its closure waited for is merged
  | "adopt" // alive and ours, found after a restart of ours
  | "bury" // on record as alive, proven gone
  | "stop" // ours, but not the instance of record; or cancelled
  | "withdraw" // its mission's file was removed
  | "prune"; // its clone's file was removed

/** Machine-readable reason: what triggered it, which fields differ, from what to what. */
export interface Why {
  readonly trigger: string;
  readonly fields: readonly string[];
  readonly from: string | null;
  readonly to: string | null;
}

/** What cannot move yet, and why; so that a standstill can be explained. */
export interface Held {
  readonly subject: string;
  readonly action: ActionType;
  readonly reason: string;
  readonly message: string;
}

export interface Plan {
  readonly revision: string | null;
  /** In the order in which they are to be taken: what ends comes before what begins. */
  readonly actions: readonly PlannedAction[];
  readonly held: readonly Held[];
  /** To be remembered until the deletion is confirmed or taken back. */
  readonly pendingDeletion: PendingDeletion | null;
}

/**
 * Compares what the repository asks for with what is running, and returns the
 * steps that would bring them together.
 *
 * The answer depends on the arguments alone: asked twice, it answers the same.
 * A clone that needs nothing yields no action; a clone that cannot move yet is
 * named in `held` with the reason.
 *
 * `desired: null` says that the repository could not be read: then nothing is
 * declared, assigned, withdrawn or pruned, and what runs goes on. A listing that
 * is not complete buries nobody: we would rather wait for a clone that is gone
 * than start a second one beside it.
 */
export function plan(desired: DesiredState | null, observed: ObservedState, now: Instant): Plan {
  const buckets = sortIntoBuckets(desired, observed);
  const guarded = guardDeletions(desired, observed, buckets.deletions);
  const inCore = planInCore(desired, observed);
  const starts = planStarts(desired, observed, now);
  const postmortems = planPostmortems(desired, observed.states);
  return {
    revision: desired?.revision ?? null,
    actions: orderActions([
      ...buckets.actions,
      ...guarded.actions,
      ...inCore.actions,
      ...starts.actions,
      ...postmortems.actions,
    ]),
    held: [
      ...engagedNotes(observed),
      ...buckets.held,
      ...guarded.held,
      ...inCore.held,
      ...starts.held,
      ...postmortems.held,
    ],
    pendingDeletion: guarded.pendingDeletion,
  };
}

/** Said of the fleet, too, so that nobody has to find it behind a mission. */
function engagedNotes({ killSwitch = [] }: ObservedState): Held[] {
  return killSwitch.map((entry) => ({
    subject: "fleet",
    action: "start",
    reason: "KillSwitchEngaged",
    message: entryText(entry),
  }));
}
