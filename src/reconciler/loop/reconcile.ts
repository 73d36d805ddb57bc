import type { PendingDeletion } from "../../core/model/deletion.ts";
import type { DesiredState } from "../../core/model/desired.ts";
import type { SwitchEntry } from "../../core/model/kill-switch.ts";
import { fleetOf } from "../../core/plan/guard.ts";
import type { ObservedState } from "../../core/plan/observed.ts";
import { type ActionType, type Plan, plan } from "../../core/plan/plan.ts";
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

/** Plans per pass: each takes up what the one before made possible (declare, assign, start). */
const ROUNDS_MAX = 6;
const PENDING_DELETION = "pending_deletion";

export interface Reconciler {
  /** Looks at the repository, if it may have changed. Never throws: failing is a result. */
  poll(signal: AbortSignal): Promise<void>;
  /** Compares what is desired with what lives and records the difference. */
  reconcile(signal: AbortSignal): Promise<Plan>;
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
}): Reconciler {
  const { source, revisions, drivers, recorder, rollback, rollouts, clock, log } = parts;
  let view: SourceView = {
    state: "unknown",
    reason: "NotLookedYet",
    message: "the repository has not been looked at yet",
    revision: null,
    observedAt: null,
  };
  let desired: DesiredState | null = null;
  let last: Plan | null = null;

  async function poll(signal: AbortSignal): Promise<void> {
    const result = await source.observe(signal);
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

  async function reconcile(signal: AbortSignal): Promise<Plan> {
    await rollback.look(desired);
    // What ends takes a while: a stray is asked to end once in a pass and not in each of its rounds.
    const taken = new Set<string>();
    let current = await round(taken, signal);
    for (let rounds = 1; rounds < ROUNDS_MAX && current.news > 0; rounds++)
      current = await round(taken, signal);
    last = current.made;
    return current.made;
  }

  /**
   * While the source cannot be read, nothing may be concluded from what it said about names that are gone. A record that is
   * busy or full lets entries wait, so a removal is looked at once more when its turn has come.
   */
  function trustedNow(): DesiredState | null {
    return view.state === "ok" || view.state === "verified_empty" ? desired : null;
  }

  async function round(
    taken: Set<string>,
    signal: AbortSignal,
  ): Promise<{ readonly made: Plan; readonly news: number }> {
    const pendingDeletion = readPending(recorder.settings.get(PENDING_DELETION));
    const trusted = trustedNow();
    const gates = await rollouts.look(trusted);
    const observed = await observe(
      drivers,
      {
        states: recorder.states,
        pendingDeletion,
        pin: rollback.pin(),
        gates,
        killSwitch: parts.killSwitch(),
      },
      signal,
    );
    const made = withoutBeginnings(stillTrue(plan(trusted, observed, clock.now()), observed));
    await rememberPending(pendingDeletion, made.pendingDeletion);
    const fresh = made.actions.filter((action) => {
      const key = `${action.clone} ${JSON.stringify(action.event)}`;
      return !taken.has(key) && taken.add(key);
    });
    let dropped = false;
    await Promise.all(
      fresh.map(async (action) => {
        log.info("planned", {
          action: action.type,
          clone: action.clone,
          mission: action.mission,
          trigger: action.why.trigger,
          fields: action.why.fields,
        });
        await recorder.write(action.clone, () => {
          const stale = REMOVALS.has(action.type) && trustedNow() !== trusted;
          dropped ||= stale;
          return stale ? null : { events: [action.event] };
        });
      }),
    );
    // What people confirmed was not done after all: they are not asked for it twice.
    if (dropped) await rememberPending(made.pendingDeletion, pendingDeletion);
    return { made, news: fresh.length };
  }

  /**
   * A listing takes time, and a clone may have been put away meanwhile: then a removal that
   * was a small part of the fleet may be all that is left of it. It is planned anew in the next pass.
   */
  function stillTrue(made: Plan, observed: ObservedState): Plan {
    const removes = made.actions.some((action) => REMOVALS.has(action.type));
    if (!removes || fleetOf(recorder.states).join() === fleetOf(observed.states).join()) return made;
    return {
      ...made,
      actions: made.actions.filter((action) => !REMOVALS.has(action.type)),
      pendingDeletion: observed.pendingDeletion,
    };
  }

  /** A record that may not be the true one begins nothing, whatever it stops, limits or declares dead. */
  function withoutBeginnings(made: Plan): Plan {
    const message = parts.obstacle();
    if (message === null) return made;
    const begins = made.actions.filter(({ type }) => BEGINNINGS.has(type));
    return {
      ...made,
      actions: made.actions.filter(({ type }) => !BEGINNINGS.has(type)),
      held: [
        ...made.held,
        ...begins.map(({ type, clone, mission }) => ({
          subject: mission === null ? `clone/${clone}` : `mission/${mission}`,
          action: type,
          reason: "RecordDoubtful",
          message,
        })),
      ],
    };
  }

  async function rememberPending(
    before: PendingDeletion | null,
    after: PendingDeletion | null,
  ): Promise<void> {
    const text = after === null ? null : JSON.stringify(after);
    if (text !== (before === null ? null : JSON.stringify(before)))
      await recorder.putSettings({ [PENDING_DELETION]: text });
  }

  return { poll, reconcile, source: () => view, desired: () => desired, lastPlan: () => last };
}

const BEGINNINGS: ReadonlySet<ActionType> = new Set(["declare", "assign", "start"]);
const REMOVALS: ReadonlySet<ActionType> = new Set(["prune", "withdraw"]);

function readPending(text: string | undefined): PendingDeletion | null {
  return text === undefined ? null : (JSON.parse(text) as PendingDeletion);
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
