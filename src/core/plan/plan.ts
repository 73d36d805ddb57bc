import type { RolloutStep } from "../fleet/rollouts/rollout.ts";
import { type Calendar, createCalendar } from "../model/calendar.ts";
import type { PendingDeletion } from "../model/deletion.ts";
import type { DesiredState } from "../model/desired.ts";
import { entryText } from "../model/kill-switch.ts";
import type { Instant } from "../model/time.ts";
import { type ApprovalGate, createApprovalGate } from "./approval-gate.ts";
import { planAssignments } from "./assignments.ts";
import { bucketsOf, type PlanBuckets } from "./buckets.ts";
import { planClosureDecisions } from "./closure-decisions.ts";
import { createDeclarations } from "./declarations.ts";
import { createForecast, type Forecast } from "./forecast.ts";
import { guardDeletions } from "./guard.ts";
import { planInCore, planMode } from "./in-core.ts";
import { type LimitSteps, planLimits } from "./limits.ts";
import { planListing } from "./listing.ts";
import type { ObservedState } from "./observed.ts";
import { planPostmortems } from "./postmortems.ts";
import { planRemovals } from "./removals.ts";
import { planStarts } from "./starts.ts";
import type { Held, PlanStep } from "./step.ts";

export interface PlanInput {
  /** Null: the repository could not be read. Then nothing is declared, assigned, withdrawn or pruned, and what runs goes on. */
  readonly desired: DesiredState | null;
  readonly observed: ObservedState;
  readonly now: Instant;
  /** Kept by whoever plans often: windows are not read anew then. The plan is the same. */
  readonly calendar?: Calendar;
}

export interface Plan extends PlanBuckets {
  readonly revision: string | null;
  /** All steps in the order in which they are to be recorded; of one clone each builds on the one before. */
  readonly steps: readonly PlanStep[];
  /** What cannot move yet, and why. */
  readonly held: readonly Held[];
  /** To be on record once every removal among the steps is, until the deletion is confirmed or taken back. */
  readonly pendingDeletion: PendingDeletion | null;
  /** Rollouts as these steps leave them, whose events are to be on record before the first step; null when none moves. */
  readonly rollouts: RolloutStep | null;
  /** Names of what it matters for whether it was approved: what the forge is to be asked about. */
  readonly approvalsAsked: readonly string[];
}

/**
 * Compares what the repository asks for with what is running, and returns every
 * step that would bring them together: a clone is declared, gets its mission and is started in one plan.
 *
 * Steps are predicted: each is folded through `decide` before the next one is planned. What follows from a step only
 * by an answer from outside (an instance was launched, has died, was judged) is not in the plan: `decide` leads on from there.
 *
 * The answer depends on the arguments alone: asked twice, it answers the same. Carried out, it leaves
 * nothing to plan. A clone that needs nothing yields no step; one that cannot move yet is
 * named in `held` with the reason. Capacity, windows and rate limits decide when a step is taken and not whether the
 * plan names it: what waits for them is held together with its step.
 *
 * A listing that is not complete proves nothing gone and starts nothing: we would rather wait for a clone that is
 * gone than start a second one beside it.
 */
export function plan({ desired, observed, now, calendar = createCalendar() }: PlanInput): Plan {
  const forecast = createForecast(observed.states, { now, calendar });
  const approvals = createApprovalGate(desired, observed.approvals, now);
  const living = planLiving({ desired, observed, approvals }, forecast);
  const declarations = createDeclarations({ desired, observed, forecast, now });
  declarations.declareNew();
  const removed = planRemoved(desired, observed, forecast);
  const postmortems = planPostmortems(desired, forecast.states);
  forecast.take(postmortems.close);
  declarations.updateKnown();
  const decisions = planClosureDecisions(observed.doubt === null ? desired : null, forecast.states);
  forecast.take(decisions.close);
  const assignments = planAssignments(living.withoutLane, {
    desired,
    observed,
    approvals,
    states: forecast.states,
  });
  forecast.take(assignments.assign);
  declarations.updateCanaries();
  const inCore = planInCore(desired, observed, { states: forecast.states, approvals });
  forecast.take(inCore.handOver);
  const starts = planStarts(desired, observed, { states: forecast.states, now, calendar });
  forecast.take(starts.start);
  return {
    ...bucketsOf(forecast.steps),
    revision: desired?.revision ?? null,
    steps: forecast.steps,
    held: [
      ...engagedNotes(observed),
      ...approvals.held(),
      ...living.held,
      ...declarations.held(),
      ...assignments.held,
      ...removed.held,
      ...inCore.held,
      ...starts.held,
      ...postmortems.held,
      ...decisions.held,
    ],
    pendingDeletion: removed.pendingDeletion,
    rollouts: declarations.rollouts(),
    approvalsAsked: approvals.asked(),
  };
}

/** What lives: stray instances, limits, the fleet's mode, what is to be adopted or is gone. */
function planLiving(
  {
    desired,
    observed,
    approvals,
  }: {
    readonly desired: DesiredState | null;
    readonly observed: ObservedState;
    readonly approvals: ApprovalGate;
  },
  forecast: Forecast,
): Pick<LimitSteps, "held" | "withoutLane"> {
  const listing = planListing(observed);
  const limits = planLimits(desired, observed.states, approvals);
  forecast.take([...listing.stop, ...limits.stop]);
  const mode = planMode(desired, observed, forecast.states);
  forecast.take(mode.pause);
  forecast.take(mode.resume);
  forecast.take(limits.limit);
  forecast.take(listing.adopt);
  forecast.take(listing.gone);
  return { held: [...listing.held, ...limits.held], withoutLane: limits.withoutLane };
}

/** What the repository no longer names, as far as the deletion guard lets it pass. */
function planRemoved(
  desired: DesiredState | null,
  observed: ObservedState,
  forecast: Forecast,
): { readonly held: readonly Held[]; readonly pendingDeletion: PendingDeletion | null } {
  if (desired === null) return { held: [], pendingDeletion: observed.pendingDeletion };
  const removals = planRemovals(desired, observed.states);
  const guarded = guardDeletions([...removals.withdraw, ...removals.prune], {
    desired,
    states: observed.states,
    pendingDeletion: observed.pendingDeletion,
  });
  for (const type of ["withdraw", "prune"] as const)
    forecast.take(guarded.steps.filter((step) => step.type === type));
  return { held: [...removals.held, ...guarded.held], pendingDeletion: guarded.pendingDeletion };
}

/** Said of the fleet, too, so that it need not be found behind a mission. */
function engagedNotes({ killSwitch = [] }: ObservedState): Held[] {
  return killSwitch.map((entry) => ({
    subject: "fleet",
    step: "start",
    reason: "KillSwitchEngaged",
    message: entryText(entry),
  }));
}
