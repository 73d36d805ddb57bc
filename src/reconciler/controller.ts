import type { DeclaredSwitch } from "../core/fleet/kill-switch/switch-events.ts";
import type { Actor } from "../core/model/actor.ts";
import { createCalendar } from "../core/model/calendar.ts";
import type { CloneState } from "../core/model/clone-state.ts";
import { DEFAULT_FLEET_POLICY } from "../core/model/desired.ts";
import { FactoryError } from "../core/model/error.ts";
import type { Destination } from "../core/model/notice.ts";
import { SECOND_MS } from "../core/model/time.ts";
import type { Held } from "../core/plan/step.ts";
import { isAtRest } from "../core/status/at-rest.ts";
import { createSnapshotMemory, type FleetSnapshot } from "../core/status/fleet.ts";
import { laneOf } from "../core/status/lane.ts";
import type { DocumentMemory } from "../documents/read-documents.ts";
import type { SteadyClock } from "../ports/clock.ts";
import type { ControlPlane } from "../ports/control-plane.ts";
import type { Drills } from "../ports/drills.ts";
import type { Driver } from "../ports/driver.ts";
import type { InCoreLane } from "../ports/in-core-lane.ts";
import type { Judge } from "../ports/judge.ts";
import type { KillSwitchFile } from "../ports/kill-switch-file.ts";
import type { Lease } from "../ports/lease.ts";
import type { Log } from "../ports/log.ts";
import type { OpenNotifier } from "../ports/notifier.ts";
import type { Proposals } from "../ports/proposals.ts";
import type { Secrets } from "../ports/secrets.ts";
import type { Source } from "../ports/source.ts";
import type { StatusBranch } from "../ports/status-branch.ts";
import type { Store } from "../ports/store.ts";
import type { Traces } from "../ports/traces.ts";
import { createActions } from "./callbacks/actions.ts";
import { createArrivals } from "./callbacks/arrivals.ts";
import { createIngest } from "./callbacks/ingest.ts";
import { createTokens } from "./callbacks/tokens.ts";
import { createDispatcher } from "./effects/dispatch.ts";
import { createEffectHandlers } from "./effects/handlers.ts";
import { createTracer } from "./effects/trace.ts";
import { createPlannedDrills } from "./fleet/drills.ts";
import { createKillSwitch, type KillSwitch } from "./fleet/kill-switch.ts";
import { createRollback } from "./fleet/rollback.ts";
import { createRollouts } from "./fleet/rollouts.ts";
import { createWatching } from "./loop/absence.ts";
import type { LoopKey } from "./loop/handlers.ts";
import { createProber } from "./loop/probing.ts";
import { createReconciler } from "./loop/reconcile.ts";
import { superviseClone, superviseOnce } from "./loop/supervise.ts";
import { noticesInto } from "./notices/destinations.ts";
import { createNoticeOutbox } from "./notices/outbox.ts";
import { createControlPlane } from "./operators/control-plane.ts";
import { fleetMustOutliveUs, isUrgent, matters, mustOutliveUs } from "./publish/relevance.ts";
import { statusTextInTurns } from "./publish/status-files.ts";
import { BURST_MAX, createWriteBack, PUSHES_PER_MINUTE_DEFAULT } from "./publish/write-back.ts";
import { createRecordGuard, type GuardVerdict, refuseHalfRebuilt } from "./record/guard.ts";
import { anchorOf, withRecordFiles } from "./record/published-files.ts";
import { openRecorder, type Recorder } from "./record/recorder.ts";
import { takeRightToAct } from "./record/right-to-act.ts";
import { createResolvedRevisions } from "./source/resolved-revisions.ts";

export interface ControllerParts {
  readonly store: Store;
  /** Who may act on that record. Taken before anything is read, given back at the end. */
  readonly lease: Lease;
  /** How the lease names this controller to people. */
  readonly holder: string;
  readonly source: Source;
  readonly statusBranch: StatusBranch;
  readonly drivers: ReadonlyMap<string, Driver>;
  readonly secrets: Secrets;
  readonly judge: Judge;
  readonly traces: Traces;
  readonly killSwitch: KillSwitchFile & { readonly path: string };
  readonly drills: Drills;
  readonly inCore: InCoreLane;
  readonly proposals: Proposals;
  readonly notifiers: OpenNotifier;
  readonly clock: SteadyClock;
  readonly log: Log;
  /** Name of this installation: part of every mission's id and of every commit. */
  readonly installation: string;
  /** What the fleet repository is called; the same wherever it is cloned from. */
  readonly repository: string;
  readonly key: Uint8Array;
  readonly operatorToken: string;
  /** What was parsed before, by another controller of this process; without it everything is read once. */
  readonly documents?: DocumentMemory;
  /** Who says that an empty record beside a status branch that knows of missions is meant so. */
  readonly fresh?: Actor;
}

/**
 * The controller without its timers: every step of the loop can be taken on
 * its own, so that the simulator takes them in any order and dies between any two.
 */
export interface Controller {
  readonly controlPlane: ControlPlane;
  /** Tells where instances call back to; adopted instances are told anew. */
  listenAt(callbackUrl: string): void;
  /** Takes up what the last controller left unfinished. Once, after `listenAt`. */
  resume(): void;
  /** Looks at the repository. */
  poll(signal: AbortSignal, hint?: { readonly moved: boolean }): Promise<void>;
  /** Plans and records until there is nothing left to plan. */
  reconcile(signal: AbortSignal): Promise<void>;
  /** Records what fell due. `readLagMs`: how late our own loop was since it was asked last; asked more than once. */
  supervise(readLagMs: () => number): Promise<boolean>;
  /** Obeys the kill switch. Never waits, and does not depend on any other step. */
  obeySwitch(): void;
  /** Publishes the status if it is time to. */
  publish(signal: AbortSignal): Promise<string>;
  publishDueAt(): number | null;
  /** Asks for a publication, changed or not, that repairs what others wrote over; the loop does so every five minutes. */
  touch(): void;
  /** Status is flushed at least this often, changed or not. */
  flushMs(): number;
  /** Begins every notice that is due. Never throws, never waits. */
  deliverNotices(): void;
  /** Begins the next drill that is due, and records what was made. Never throws, never waits. */
  makeDrills(): void;
  /** Calls back with the key for which there is something to do now, so that it need not be asked for again and again. */
  onWake(listener: (key: LoopKey) => void): void;
  /** Resolves when no effect is under way and nothing waits to be recorded. */
  settled(): Promise<void>;
  /** Prolongs the right to act when it is time to; to be asked every second or so. */
  keepRight(signal: AbortSignal): Promise<void>;
  /** Whether the record is the one that was published from. */
  recordVerdict(): GuardVerdict;
  /** Somebody else acts on the record, or nothing was ever recorded and is not to be: this controller has no business. */
  mustEnd(): FactoryError | null;
  /** Whether every declared mission is closed and everything is published. */
  atRest(): boolean;
  /** Everything that status is derived from, as it is now. */
  fleetSnapshot(): FleetSnapshot;
  close(): Promise<void>;
}

const PUSHES = "status_pushes";
/** Until `fleet.yaml` has been read. */
const DEFAULT_FLUSH_SECONDS = 300;
/** The chance that what was recorded last is also told before we end; the next controller has the rest. */
const LAST_NOTICES_MS = SECOND_MS;

/** Rejects with `lease/held` while another controller has the right to act. */
export async function createController(parts: ControllerParts): Promise<Controller> {
  const { store, clock, log, drivers } = parts;
  const ending = new AbortController();
  const right = await takeRightToAct(parts, ending.signal);
  const calendar = createCalendar();
  const memory = createSnapshotMemory(calendar);
  const recorder: Recorder = await openRecorder({
    store,
    clock,
    log,
    right,
    tell: noticesInto(() => recorder.fleet, declaredNotify),
    calendar,
  });
  refuseHalfRebuilt(recorder.fleet);
  const tokens = createTokens({ key: parts.key, operatorToken: parts.operatorToken });
  const revisions = createResolvedRevisions({
    source: parts.source,
    repository: parts.repository,
    clock,
    documents: parts.documents,
  });
  const guard = createRecordGuard({
    store,
    recorder,
    branch: parts.statusBranch,
    clock,
    log,
    fresh: parts.fresh ?? null,
  });
  const rollback = createRollback({
    recorder,
    source: parts.source,
    proposals: parts.proposals,
    clock,
    log,
  });
  const rollouts = createRollouts({ recorder, log });
  const reconciler = createReconciler({
    source: parts.source,
    revisions,
    drivers,
    recorder,
    rollback,
    rollouts,
    clock,
    log,
    obstacle: () => guard.obstacle(),
    killSwitch: () => killSwitch.engaged(),
    calendar,
  });
  const killSwitch: KillSwitch = createKillSwitch({
    recorder,
    drivers,
    file: parts.killSwitch,
    path: parts.killSwitch.path,
    declared: declaredSwitch,
    mayRecord: () => guard.mayRecord(),
    clock,
    log,
    onChange() {
      wake("fleet");
      writeBack.touch(true);
    },
  });
  let callbackUrl = "";
  const tracer = createTracer({
    traces: parts.traces,
    journal: store,
    signals: recorder.signals,
    secrets: parts.secrets,
    clock,
    log,
  });
  const handlers = createEffectHandlers({
    tracer,
    killSwitch,
    drivers,
    secrets: parts.secrets,
    judge: parts.judge,
    inCore: parts.inCore,
    proposals: parts.proposals,
    source: parts.source,
    revision: () => reconciler.desired()?.revision ?? null,
    revisions,
    tokens,
    installation: parts.installation,
    callbackUrl: () => callbackUrl,
    signals: recorder.signals,
    now: () => clock.now(),
    prices: () => (reconciler.desired()?.fleet ?? DEFAULT_FLEET_POLICY).prices,
    log,
    obstacle: (signal) => guard.obstacleSoon(signal),
  });
  const dispatcher = createDispatcher({ recorder, handlers, clock, log });
  const actions = createActions({ recorder, store, clock });
  const arrivals = createArrivals();
  const prober = createProber({ drivers, clock, log });
  const watching = createWatching(clock);
  const ingest = createIngest({
    recorder,
    store,
    clock,
    onUsage: (clone) => superviseClone(clone, { recorder, watching }),
  });
  const wakers: ((key: LoopKey) => void)[] = [];
  const wake = (key: LoopKey): void => {
    for (const waker of wakers) waker(key);
  };
  let reconciling: Promise<void> = Promise.resolve();
  const outbox = createNoticeOutbox({
    recorder,
    open: parts.notifiers,
    declared() {
      const destinations = declaredNotify();
      const revision = reconciler.desired()?.revision;
      return destinations === null || revision === undefined ? null : { revision, destinations };
    },
    mayRecord: () => guard.mayRecord(),
    clock,
    log,
  });

  const drills = createPlannedDrills({
    recorder,
    drills: parts.drills,
    desired: () => reconciler.desired(),
    destinations: declaredNotify,
    killSwitch: () => killSwitch.engaged(),
    mayRecord: () => guard.mayRecord(),
    clock,
    calendar,
    log,
    onChange: () => writeBack.touch(true),
  });

  function declaredSwitch(): DeclaredSwitch | null {
    const desired = reconciler.desired();
    if (desired === null) return null;
    const { revision, broken, fleet } = desired;
    return { revision, killSwitch: fleet.killSwitch, usable: !broken.has("fleet") };
  }

  /** Null while `fleet.yaml` has not been read or cannot be used. */
  function declaredNotify(): readonly Destination[] | null {
    const desired = reconciler.desired();
    return desired === null || desired.broken.has("fleet") ? null : desired.fleet.simone.notify;
  }

  const writeBack = createWriteBack({
    pushesPerMinute: () =>
      reconciler.desired()?.fleet.writeBack.maxPushesPerMinute ?? PUSHES_PER_MINUTE_DEFAULT,
    branch: parts.statusBranch,
    // A copy: the record goes on while the texts are written.
    derive: async () => {
      const now = { ...fleetSnapshot(), states: new Map(recorder.states) };
      const { installation, repository } = parts;
      return withRecordFiles(await statusTextInTurns(now), {
        states: now.states,
        fleet: recorder.fleet,
        anchor: await anchorOf(store, { installation, repository }),
        store,
      });
    },
    admit: (files) => guard.admit(files),
    clock,
    log,
    pushes: readPushes(recorder.settings.get(PUSHES)),
    // Before the push, so that neither a crash nor a failing record earns new ones.
    onPush: (pushes) => recorder.putSettings({ [PUSHES]: JSON.stringify(pushes.slice(-BURST_MAX)) }),
  });
  // Whoever acts now does what is left; what runs lives on.
  right.onLost(() => {
    dispatcher.halt();
    void outbox.close();
    void drills.close();
  });
  recorder.onEffects((effects) => dispatcher.add(effects));
  recorder.onChange((change) => {
    if (matters(change)) {
      wake("fleet");
      writeBack.touch(isUrgent(change));
    }
    if (mustOutliveUs(change)) writeBack.keep();
  });
  recorder.onFleet((change) => {
    if (fleetMustOutliveUs(change)) writeBack.keep();
  });

  function fleetSnapshot(): FleetSnapshot {
    return {
      installation: parts.installation,
      now: clock.now(),
      source: reconciler.source(),
      desired: reconciler.desired(),
      states: recorder.states,
      signals: recorder.signals,
      held: reconciler.lastPlan()?.held ?? [],
      rollback: rollback.state(),
      rollouts: rollouts.all(),
      drills: drills.book(),
      memory,
      suspicion: (state) =>
        state.instance === null ? null : arrivals.suspicion(state.name, state.instance, clock.now()),
    };
  }

  async function poll(signal: AbortSignal, hint?: { readonly moved: boolean }): Promise<void> {
    if (right.lost() !== null) return;
    const before = `${reconciler.source().state} ${reconciler.source().reason} ${reconciler.source().revision}`;
    await reconciler.poll(signal, hint);
    const pin = rollback.pin();
    await rollback.propose(reconciler.desired(), signal);
    if (rollback.pin() !== pin) writeBack.touch(false);
    if (
      before !== `${reconciler.source().state} ${reconciler.source().reason} ${reconciler.source().revision}`
    ) {
      wake("fleet");
      writeBack.touch(reconciler.source().state === "error");
    }
  }

  /** One at a time: two that compare the same things at the same moment would plan each step twice. */
  function reconcile(signal: AbortSignal): Promise<void> {
    const mine = reconciling.then(() => reconcileNow(signal));
    reconciling = mine.catch(() => {});
    return mine;
  }

  async function reconcileNow(signal: AbortSignal): Promise<void> {
    if (right.lost() !== null) return;
    // Where its branch is called is known once `fleet.yaml` was read.
    const desired = reconciler.desired();
    if (desired !== null && !(guard.empty && desired.broken.has("fleet"))) await guard.settle(signal);
    const before = { held: reconciler.lastPlan()?.held ?? [], rollback: rollback.state() };
    if (!(await reconciler.reconcile(signal))) wake("fleet");
    if (!sameHeld(reconciler.lastPlan()?.held ?? [], before.held)) writeBack.touch(false);
    // The mode stands on the board, and a pin is a question to a person.
    if (rollback.state() !== before.rollback) writeBack.touch(rollback.pin() !== before.rollback.pin);
  }

  function lane(name: string): CloneState | null {
    return laneOf(name, { states: recorder.states, desired: reconciler.desired() });
  }

  const controlPlane = createControlPlane({
    installation: parts.installation,
    recorder,
    store,
    source: parts.source,
    drivers,
    tokens,
    guard,
    ingest,
    arrivals,
    actions,
    killSwitch,
    reconciler,
    rollback,
    rollouts,
    outbox,
    writeBack,
    policy: () => reconciler.desired()?.fleet ?? null,
    fleetSnapshot,
    lane,
    poll,
    reconcile,
    clock,
    log,
  });

  return {
    controlPlane,
    listenAt(url) {
      callbackUrl = url;
    },
    resume() {
      dispatcher.add(recorder.unsettled);
      for (const state of recorder.states.values()) {
        const { instance } = state;
        if (instance === null || instance.stopping !== null) continue;
        // It may have outlived an address: tell it where we are. One whose launch was cut off comes after that
        // launch in its lane. Losing this is repaired by its own retries.
        const id = `${state.name}/${state.version}/configure/${clock.now()}`;
        dispatcher.add([{ id, clone: state.name, effect: { type: "configure", epoch: instance.epoch } }]);
      }
    },
    poll,
    reconcile,
    async supervise(readLagMs) {
      if (right.lost() !== null) return false;
      watching.begin(readLagMs);
      return superviseOnce({
        recorder,
        watching,
        prober,
        policy: reconciler.desired()?.fleet ?? null,
        calendar,
      });
    },
    obeySwitch: () => killSwitch.tick(),
    // Nothing is written over what may be all that is left of the record.
    publish: async (signal) =>
      right.lost() === null && guard.obstacle() === null ? writeBack.tick(signal) : "waiting",
    keepRight: (signal) => right.keep(signal),
    recordVerdict: () => guard.verdict(),
    mustEnd() {
      const lost = right.lost();
      if (lost !== null) return lost;
      const obstacle = guard.verdict().type === "refused" && guard.empty ? guard.obstacle() : null;
      return obstacle === null ? null : new FactoryError("record/lost", "stall", obstacle);
    },
    publishDueAt: () => writeBack.dueAt(),
    touch: () => writeBack.refresh(),
    flushMs: () =>
      (reconciler.desired()?.fleet.writeBack.flushIntervalSeconds ?? DEFAULT_FLUSH_SECONDS) * SECOND_MS,
    deliverNotices: () => (right.lost() === null ? outbox.tick() : undefined),
    makeDrills: () => (right.lost() === null ? drills.tick() : undefined),
    onWake: (listener) => void wakers.push(listener),
    async settled() {
      await recorder.idle();
      await dispatcher.idle();
      await outbox.idle();
      await recorder.idle();
    },
    fleetSnapshot,
    atRest: () => isAtRest(fleetSnapshot()) && writeBack.published() !== null,
    async close() {
      ending.abort();
      await drills.close();
      await dispatcher.close();
      outbox.tick();
      await Promise.race([outbox.idle(), clock.sleep(LAST_NOTICES_MS).catch(() => {})]);
      await outbox.close();
      await recorder.idle();
      await right.release();
    },
  };
}

/** Whether people are told the same; the steps that wait are no part of it. */
function sameHeld(a: readonly Held[], b: readonly Held[]): boolean {
  const said = ({ subject, step, reason, message }: Held): string =>
    JSON.stringify([subject, step, reason, message]);
  return a.length === b.length && a.every((held, index) => said(held) === said(b[index] ?? held));
}

/** Null when this record has never counted one. */
function readPushes(text: string | undefined): number[] | null {
  if (text === undefined) return null;
  const value: unknown = JSON.parse(text);
  return Array.isArray(value) ? value.filter((at): at is number => typeof at === "number") : [];
}
