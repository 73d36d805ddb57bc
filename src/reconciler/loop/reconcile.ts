import { deletionNews } from "../../core/fleet/deletions/pending.ts";
import { type Calendar, createCalendar } from "../../core/model/calendar.ts";
import type { PendingDeletion } from "../../core/model/deletion.ts";
import type { DesiredState } from "../../core/model/desired.ts";
import type { SwitchEntry } from "../../core/model/kill-switch.ts";
import { REMOVALS } from "../../core/plan/buckets.ts";
import { fleetOf } from "../../core/plan/guard.ts";
import { type Plan, plan } from "../../core/plan/plan.ts";
import type { PlanStep } from "../../core/plan/step.ts";
import { stillTrue } from "../../core/plan/still-true.ts";
import type { SourceView } from "../../core/status/view.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Driver } from "../../ports/driver.ts";
import type { Log } from "../../ports/log.ts";
import type { Source, SourceResult } from "../../ports/source.ts";
import type { Rollback } from "../fleet/rollback.ts";
import type { Rollouts } from "../fleet/rollouts.ts";
import type { Recorder } from "../record/recorder.ts";
import type { ResolvedRevisions } from "../source/resolved-revisions.ts";
import { observe } from "./observe.ts";

export interface Reconciler {
  /** Looks at the repository, if it may have changed. Never throws: failing is a result. */
  poll(signal: AbortSignal, hint?: { readonly moved: boolean }): Promise<void>;
  /**
   * Compares what is desired with what lives and records every step between the two, with one listing. Answers false when
   * some steps were no longer right when their turn came: then another pass plans them anew.
   */
  reconcile(signal: AbortSignal): Promise<boolean>;
  /** The repository as it was last seen. */
  source(): SourceView;
  desired(): DesiredState | null;
  lastPlan(): Plan | null;
}

export function createReconciler(parts: {
  source: Source;
  revisions: ResolvedRevisions;
  drivers: ReadonlyMap<string, Driver>;
  recorder: Recorder;
  rollback: Rollback;
  rollouts: Rollouts;
  clock: Clock;
  log: Log;
  /** Why nothing may be begun; null when it may. */
  obstacle: () => string | null;
  killSwitch: () => readonly SwitchEntry[];
  calendar?: Calendar;
}): Reconciler {
  const { source, revisions, drivers, recorder, rollback, rollouts, clock, log } = parts;
  const { calendar = createCalendar() } = parts;
  let view: SourceView = {
    state: "unknown",
    reason: "NotLookedYet",
    message: "the repository has not been looked at yet",
    revision: null,
    observedAt: null,
  };
  let desired: DesiredState | null = null;
  let last: Plan | null = null;

  async function poll(signal: AbortSignal, hint?: { readonly moved: boolean }): Promise<void> {
    const result = await source.observe(signal, hint);
    const before = view;
    view = sourceView(result, clock.now());
    if (view.state !== before.state || view.reason !== before.reason) {
      const say = result.type === "error" ? log.warn : log.info;
      say("the repository was looked at", {
        state: view.state,
        reason: view.reason,
        revision: view.revision,
        message: view.message,
      });
    }
    if (result.type === "error") {
      // What was approved last still holds, also after a restart of ours.
      if (desired === null && result.lastGood !== null) desired = await reopen(result.lastGood, signal);
      return;
    }
    if (desired?.revision !== result.snapshot.revision) {
      const taken = await revisions.take(result.snapshot, signal);
      desired = taken;
      log.info("a new revision was taken up", {
        revision: taken.revision,
        missions: taken.missions.size,
        clones: taken.clones.size,
        broken: taken.broken.size,
        issues: taken.issues.length,
      });
    }
  }

  async function reopen(revision: string, signal: AbortSignal): Promise<DesiredState | null> {
    try {
      return await revisions.take(await source.open(revision, signal), signal);
    } catch (error) {
      log.warn("the last good revision could not be opened", { revision, error: String(error) });
      return null;
    }
  }

  async function reconcile(signal: AbortSignal): Promise<boolean> {
    await rollback.look(desired);
    const trusted = trustedNow();
    const known = rollouts.known(trusted);
    const record = {
      states: recorder.states,
      pendingDeletion: recorder.fleet.pendingDeletion,
      pin: rollback.pin(),
      rollouts: known?.byGroup ?? null,
      killSwitch: parts.killSwitch(),
    };
    const seen = await observe(drivers, record, signal);
    const observed = { ...seen, doubt: parts.obstacle() };
    const made = plan({ desired: trusted, observed, now: clock.now(), calendar });
    // A listing takes time, and a clone may have been put away meanwhile: then a removal that
    // was a small part of the fleet may be all that is left of it. It is planned anew.
    const sameFleet = fleetOf(recorder.states).join() === fleetOf(observed.states).join();
    if (trusted !== null && known !== null && made.rollouts !== null)
      if (!(await rollouts.record(trusted, made.rollouts, known))) return false;
    const { complete, removed } = await recordSteps(made, () => sameFleet && trustedNow() === trusted);
    last = made;
    // Afterwards: what people confirmed and was not done after all is not asked for twice, also after a crash in between.
    if (removed && sameFleet && trusted !== null) await recordPending(made.pendingDeletion, trusted);
    return complete;
  }

  /**
   * Records a plan: of each clone all steps together, those that end something first. What is no longer
   * right when its turn comes is left out, and planned anew by the next pass.
   */
  async function recordSteps(made: Plan, removals: () => boolean): Promise<Recorded> {
    const result = { complete: true, removed: true };
    await Promise.all(
      [...stepsByClone(made.steps)].map(async ([clone, steps]) => {
        for (const { type: step, mission, why } of steps)
          log.info("planned", { step, clone, mission, trigger: why.trigger, fields: why.fields });
        await recorder.write(clone, (state) => {
          const kept = stillTrue(steps, state, { removals: removals() });
          result.complete &&= kept.length === steps.length;
          result.removed &&= steps.every((step) => !REMOVALS.has(step.type) || kept.includes(step));
          return kept.length === 0 ? null : { events: kept.map(({ event }) => event) };
        });
      }),
    );
    return result;
  }

  /**
   * While the source cannot be read, nothing may be concluded from what it said about names that are gone. A record that is
   * busy or full lets entries wait, so a removal is looked at once more when its turn has come.
   */
  function trustedNow(): DesiredState | null {
    return view.state === "ok" || view.state === "verified_empty" ? desired : null;
  }

  async function recordPending(after: PendingDeletion | null, declared: DesiredState): Promise<void> {
    if (deletionNews(recorder.fleet.pendingDeletion, after, declared).length > 0)
      await recorder.writeFleet(({ pendingDeletion: before }) => ({
        events: deletionNews(before, after, declared),
      }));
  }

  return { poll, reconcile, source: () => view, desired: () => desired, lastPlan: () => last };
}

interface Recorded {
  /** Every step is on record. */
  readonly complete: boolean;
  /** Every removal is. */
  readonly removed: boolean;
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

function sourceView(result: SourceResult, at: number): SourceView {
  if (result.type === "error") {
    return {
      state: "error",
      reason: result.reason,
      message: result.message,
      revision: result.lastGood,
      observedAt: at,
    };
  }
  const empty = result.type === "verified_empty";
  return {
    state: result.type,
    reason: empty ? "VerifiedEmpty" : "Read",
    message: empty ? "the commit was read and holds none of our documents" : "the newest commit was read",
    revision: result.snapshot.revision,
    observedAt: at,
  };
}
