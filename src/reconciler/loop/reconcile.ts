import { deletionNews } from "../../core/fleet/deletions/pending.ts";
import { type Calendar, createCalendar } from "../../core/model/calendar.ts";
import type { PendingDeletion } from "../../core/model/deletion.ts";
import type { DesiredState } from "../../core/model/desired.ts";
import type { SwitchEntry } from "../../core/model/kill-switch.ts";
import { REMOVALS } from "../../core/plan/buckets.ts";
import { fleetOf } from "../../core/plan/guard.ts";
import type { Doubt } from "../../core/plan/observed.ts";
import { type Plan, plan } from "../../core/plan/plan.ts";
import type { PlanStep } from "../../core/plan/step.ts";
import { stillTrue } from "../../core/plan/still-true.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Driver } from "../../ports/driver.ts";
import type { Log } from "../../ports/log.ts";
import type { Approvals } from "../approvals/approvals.ts";
import type { Rollback } from "../fleet/rollback.ts";
import type { Rollouts } from "../fleet/rollouts.ts";
import type { Recorder } from "../record/recorder.ts";
import type { Repository } from "../source/repository.ts";
import { observe } from "./observe.ts";

export interface Reconciler {
  /**
   * Compares what is desired with what lives and records every step between the two, with one listing. Answers false when
   * some steps were no longer right when their turn came: then another pass plans them anew.
   */
  reconcile(signal: AbortSignal): Promise<boolean>;
  lastPlan(): Plan | null;
}

export function createReconciler(parts: {
  readonly repository: Pick<Repository, "desired" | "trusted">;
  readonly drivers: ReadonlyMap<string, Driver>;
  readonly recorder: Recorder;
  readonly rollback: Rollback;
  readonly rollouts: Rollouts;
  /** Absent: no approvals are asked for. */
  readonly approvals?: Pick<Approvals, "adopt" | "observed" | "want">;
  readonly clock: Clock;
  readonly log: Log;
  /** Why nothing may be begun; null when it may. */
  readonly doubt: () => Doubt | null;
  readonly killSwitch: () => readonly SwitchEntry[];
  readonly calendar?: Calendar;
}): Reconciler {
  const { repository, drivers, recorder, rollback, rollouts, clock } = parts;
  const { calendar = createCalendar() } = parts;
  let last: Plan | null = null;

  async function reconcile(signal: AbortSignal): Promise<boolean> {
    await rollback.look(repository.desired());
    const trusted = repository.trusted();
    await parts.approvals?.adopt(trusted);
    const known = rollouts.known(trusted);
    const record = {
      states: recorder.states,
      pendingDeletion: recorder.fleet.pendingDeletion,
      pin: rollback.pin(),
      rollouts: known?.byGroup ?? null,
      killSwitch: parts.killSwitch(),
    };
    const seen = await observe(drivers, record, { clock, signal });
    const approvals = parts.approvals?.observed(trusted);
    const observed = {
      ...seen,
      doubt: parts.doubt(),
      ...(approvals === undefined ? {} : { approvals }),
    };
    const made = plan({ desired: trusted, observed, now: clock.now(), calendar });
    parts.approvals?.want(made.approvalsAsked);
    // A listing takes time, and a clone may have been put away meanwhile: then a removal that
    // was a small part of the fleet may be all that is left of it. It is planned anew.
    const removes = made.steps.some(({ type }) => REMOVALS.has(type));
    const sameFleet = !removes || fleetOf(recorder.states).join() === fleetOf(observed.states).join();
    if (trusted !== null && known !== null && made.rollouts !== null)
      if (!(await rollouts.record(trusted, made.rollouts, known))) return false;
    // A record that is busy or full lets entries wait, so a removal is looked at once more when its turn has come.
    const removals = (): boolean => sameFleet && repository.trusted() === trusted;
    const { complete, removed } = await recordSteps(made.steps, { ...parts, removals });
    last = made;
    // Afterwards: what people confirmed and was not done after all is not asked for twice, also after a crash in between.
    if (removed && sameFleet && trusted !== null) await recordPending(made.pendingDeletion, trusted);
    return complete;
  }

  async function recordPending(after: PendingDeletion | null, declared: DesiredState): Promise<void> {
    if (deletionNews(recorder.fleet.pendingDeletion, after, declared).length > 0)
      await recorder.writeFleet(({ pendingDeletion: before }) => ({
        events: deletionNews(before, after, declared),
      }));
  }

  return { reconcile, lastPlan: () => last };
}

interface Recorded {
  /** Every step is on record. */
  readonly complete: boolean;
  /** Every removal is. */
  readonly removed: boolean;
}

/**
 * Records the steps of a plan: of each clone all together, those that end something first. What is no longer
 * right when its turn comes is left out.
 */
async function recordSteps(
  steps: readonly PlanStep[],
  parts: {
    readonly recorder: Recorder;
    readonly log: Log;
    /** Whether what was concluded about removals still holds. */
    readonly removals: () => boolean;
  },
): Promise<Recorded> {
  const { recorder, log, removals } = parts;
  const result = { complete: true, removed: true };
  await Promise.all(
    [...stepsByClone(steps)].map(async ([clone, all]) => {
      for (const { type: step, mission, why } of all)
        log.info("planned", { step, clone, mission, trigger: why.trigger, fields: why.fields });
      await recorder.write(clone, (state) => {
        const kept = stillTrue(all, state, { removals: removals() });
        result.complete &&= kept.length === all.length;
        result.removed &&= all.every((step) => !REMOVALS.has(step.type) || kept.includes(step));
        return kept.length === 0 ? null : { events: kept.map(({ event }) => event) };
      });
    }),
  );
  return result;
}

/** In the order of their first steps. */
function stepsByClone(steps: readonly PlanStep[]): ReadonlyMap<string, readonly PlanStep[]> {
  const byClone = new Map<string, PlanStep[]>();
  for (const step of steps) {
    const list = byClone.get(step.clone);
    if (list === undefined) byClone.set(step.clone, [step]);
    else list.push(step);
  }
  return byClone;
}
