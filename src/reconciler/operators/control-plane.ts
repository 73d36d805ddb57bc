import type { CloneState } from "../../core/model/clone-state.ts";
import { DEFAULT_FLEET_POLICY } from "../../core/model/desired.ts";
import { FactoryError } from "../../core/model/error.ts";
import { SECOND_MS } from "../../core/model/time.ts";
import { type CallbackFacts, deadLettersOf, shimLettersOf } from "../../core/status/callbacks.ts";
import { cloneView, type FleetSnapshot, fleetView, missionViews } from "../../core/status/fleet.ts";
import { guardrailsView } from "../../core/status/guardrails.ts";
import { inboxOf } from "../../core/status/inbox.ts";
import { rolloutView } from "../../core/status/rollouts.ts";
import { trendsOf } from "../../core/status/trends.ts";
import { whyView } from "../../core/status/why.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ControlPlane, InstanceCaller } from "../../ports/control-plane.ts";
import type { Driver } from "../../ports/driver.ts";
import type { Log } from "../../ports/log.ts";
import type { Source } from "../../ports/source.ts";
import type { Store } from "../../ports/store.ts";
import type { Actions } from "../callbacks/actions.ts";
import type { Arrivals } from "../callbacks/arrivals.ts";
import type { Ingest } from "../callbacks/ingest.ts";
import type { Tokens } from "../callbacks/tokens.ts";
import type { KillSwitch } from "../fleet/kill-switch.ts";
import type { Rollback } from "../fleet/rollback.ts";
import type { Rollouts } from "../fleet/rollouts.ts";
import type { Reconciler } from "../loop/reconcile.ts";
import { replayLetters } from "../notices/dead-letter-replay.ts";
import type { NoticeOutbox } from "../notices/outbox.ts";
import type { WriteBack } from "../publish/write-back.ts";
import type { RecordGuard } from "../record/guard.ts";
import type { Recorder } from "../record/recorder.ts";
import type { Closures } from "./closures.ts";
import type { Answers } from "./decisions.ts";
import type { Control } from "./orders.ts";

/** A look and a pass that somebody asked for by hand. */
const RECONCILE_MS_MAX = 120 * SECOND_MS;
/** Reading a transcript through a driver. */
const LOGS_MS_MAX = 30 * SECOND_MS;

export interface ControlPlaneParts {
  readonly installation: string;
  readonly recorder: Recorder;
  readonly store: Store;
  readonly source: Source;
  readonly drivers: ReadonlyMap<string, Driver>;
  readonly tokens: Tokens;
  readonly guard: RecordGuard;
  readonly ingest: Ingest;
  readonly arrivals: Arrivals;
  readonly actions: Actions;
  readonly control: Control;
  readonly closures: Closures;
  readonly answers: Answers;
  readonly killSwitch: KillSwitch;
  readonly reconciler: Reconciler;
  readonly rollback: Rollback;
  readonly rollouts: Rollouts;
  readonly outbox: NoticeOutbox;
  readonly writeBack: WriteBack;
  fleetSnapshot(): FleetSnapshot;
  lane(name: string): CloneState | null;
  poll(signal: AbortSignal, hint?: { readonly moved: boolean }): Promise<void>;
  reconcile(signal: AbortSignal): Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

/** The controller as instances and people meet it: each question goes to the part that knows, and this knows nothing itself. */
export function createControlPlane(parts: ControlPlaneParts): ControlPlane {
  const { installation, recorder, store, guard, reconciler, rollback, rollouts, clock } = parts;
  const { ingest, actions, control, closures, answers, killSwitch, outbox, lane, fleetSnapshot } = parts;

  function callbacks(): CallbackFacts {
    const deadLetters = [
      ...deadLettersOf(recorder.outbox.values()),
      ...shimLettersOf(recorder.states.values()),
    ];
    return { destinations: outbox.destinations(), deadLetters };
  }

  /**
   * Whoever is unknown to a record that may have been lost is not told that its epoch is over: it would end itself. An epoch
   * that this record has not come to yet, and that we proved, shows that an older copy of it was put in place.
   */
  function unsettled({ clone, epoch }: InstanceCaller): string | null {
    if (guard.empty) return guard.obstacle();
    return epoch > (recorder.states.get(clone)?.epoch ?? 0)
      ? `${clone} works in epoch ${epoch}, which this record knows nothing of: it is older than the one that started it`
      : null;
  }

  function refuseEarly(caller: InstanceCaller): void {
    const because = unsettled(caller);
    if (because !== null) throw new FactoryError("record/unsettled", "retry", because);
  }

  return {
    installation,
    authenticate(token) {
      const caller = parts.tokens.identify(token, recorder.states);
      return caller?.type === "instance" && unsettled(caller) !== null
        ? { ...caller, revoked: false }
        : caller;
    },
    async ingest(caller, events) {
      refuseEarly(caller);
      return ingest.events(caller, events);
    },
    async heartbeat(caller, heartbeat) {
      refuseEarly(caller);
      const answer = await ingest.heartbeat(caller, heartbeat);
      if (answer.status === 200) parts.arrivals.note(caller.clone, caller.epoch, clock.now());
      return answer;
    },
    async claimAction(caller, claim) {
      refuseEarly(caller);
      return actions.claim(caller, claim);
    },
    async completeAction(caller, completion) {
      refuseEarly(caller);
      return actions.complete(caller, completion);
    },
    pause: (request) => control.pause(request),
    resume: (request) => control.resume(request),
    kill: (request) => control.kill(request, killSwitch),
    killSwitch,
    answer: (request) => control.answer(request),
    decideClosure: (request) => closures.decide(request),
    review: (request) => closures.review(request),
    scorecards: (since) => trendsOf(recorder.states.values(), since, clock.now()),
    decide: (request) => answers.decide(request),
    acknowledge: (request) => answers.acknowledge(request),
    async reconcile() {
      const signal = AbortSignal.timeout(RECONCILE_MS_MAX);
      // Whoever asks by hand or by a webhook has pushed something.
      await parts.poll(signal, { moved: true });
      await parts.reconcile(signal);
      const { state, message, revision } = reconciler.source();
      return state === "error"
        ? { ok: false, code: "unavailable", message }
        : { ok: true, message: `read ${revision?.slice(0, 12) ?? "nothing"}` };
    },
    async allowRewrite(request) {
      await parts.source.allowRewrite(request.from, request.to);
      parts.log.warn("a rewritten history was allowed", {
        actor: request.actor,
        from: request.from,
        to: request.to,
      });
      return { ok: true, message: `the history may go from ${request.from} to ${request.to}` };
    },
    fleet: () => fleetView({ ...fleetSnapshot(), callbacks: callbacks() }),
    mission: (name) => missionViews(fleetSnapshot()).find((mission) => mission.name === name) ?? null,
    clone: (name) => {
      const state = recorder.states.get(name);
      return state === undefined ? null : cloneView(state, fleetSnapshot());
    },
    why: async (name) => whyView(name, fleetSnapshot()),
    rollouts: () => rollouts.all().map(rolloutView),
    guardrails: () =>
      guardrailsView({
        state: rollback.state(),
        measures: rollback.measures(),
        breaches: rollback.breaches(),
        policy: reconciler.desired()?.fleet ?? DEFAULT_FLEET_POLICY,
        now: clock.now(),
      }),
    inbox: () => inboxOf({ ...fleetSnapshot(), callbacks: callbacks(), record: recorder.problem() }),
    deadLetters: () => callbacks().deadLetters,
    replayDeadLetters: ({ which }) => replayLetters({ recorder, outbox }, which),
    events: (query) => store.events(query),
    async actions(name, limit) {
      const state = lane(name);
      const missionId =
        state?.mission?.name === name || (state?.name === name && state.mission !== null)
          ? state.mission?.missionId
          : state?.past.findLast((past) => past.name === name || state.name === name)?.missionId;
      return missionId === undefined ? null : store.actions({ missionId, limit });
    },
    async logs(name, bytesMax) {
      const state = lane(name);
      if (state === null) return null;
      const signal = AbortSignal.timeout(LOGS_MS_MAX);
      for (const driver of parts.drivers.values()) {
        const { instances } = await driver.list(signal);
        const newest = instances
          .filter(({ handle }) => handle.clone === state.name)
          .sort((a, b) => b.handle.epoch - a.handle.epoch)[0];
        if (newest !== undefined) return driver.transcript(newest.handle, bytesMax, signal);
      }
      return null;
    },
    readiness: () => {
      const source = reconciler.source();
      const checks = {
        source:
          source.state === "unknown"
            ? "not looked at yet"
            : source.state === "error"
              ? `${source.reason}: ${source.message}`
              : "ok",
        record: guard.obstacle() ?? recorder.problem()?.message ?? "ok",
        status_branch: parts.writeBack.problem() ?? "ok",
        plan: reconciler.lastPlan() === null ? "no pass yet" : "ok",
      };
      return { ready: checks.plan === "ok" && checks.record === "ok" && source.state !== "unknown", checks };
    },
  };
}
