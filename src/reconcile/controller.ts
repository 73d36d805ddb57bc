import { DEFAULT_FLEET_POLICY } from "../core/model/desired.ts";
import { FactoryError } from "../core/model/error.ts";
import type { Destination } from "../core/model/notice.ts";
import { sameValue } from "../core/model/same.ts";
import { SECOND_MS } from "../core/model/time.ts";
import { type CallbackFacts, deadLettersOf, shimLettersOf } from "../core/status/callbacks.ts";
import { cloneView, fleetView, missionViews, type Picture } from "../core/status/fleet.ts";
import { guardrailsView } from "../core/status/guardrails.ts";
import { inboxOf } from "../core/status/inbox.ts";
import { rolloutView } from "../core/status/rollouts.ts";
import { trendsOf } from "../core/status/trends.ts";
import type { WhyView } from "../core/status/view.ts";
import { headline, whySteps } from "../core/status/why.ts";
import { waitsForPeople } from "../core/supervise/people.ts";
import type { CloneState } from "../core/supervise/state.ts";
import type { Clock } from "../ports/clock.ts";
import type { ControlPlane } from "../ports/control-plane.ts";
import type { Drills } from "../ports/drills.ts";
import type { Driver } from "../ports/driver.ts";
import type { InCoreLane } from "../ports/in-core-lane.ts";
import type { Judge } from "../ports/judge.ts";
import type { KillSwitchFile } from "../ports/kill-switch.ts";
import type { Log } from "../ports/log.ts";
import type { OpenNotifier } from "../ports/notifier.ts";
import type { Proposals } from "../ports/proposals.ts";
import type { Secrets } from "../ports/secrets.ts";
import type { Source } from "../ports/source.ts";
import type { StatusBranch } from "../ports/status-branch.ts";
import type { Store } from "../ports/store.ts";
import type { Traces } from "../ports/traces.ts";
import type { Workspaces } from "../ports/workspaces.ts";
import type { DocumentMemory } from "../spec/documents.ts";
import { createActions } from "./actions.ts";
import { createAnswers } from "./answer.ts";
import { createArrivals } from "./arrivals.ts";
import { createClosures } from "./closures.ts";
import { createControl, laneOf } from "./control.ts";
import { createDesires } from "./desire.ts";
import { createDispatcher } from "./dispatch.ts";
import { createPlannedDrills } from "./drills.ts";
import { createEffectHandlers } from "./effects.ts";
import { createIngest } from "./ingest.ts";
import { createKillSwitch, type KillSwitch } from "./kill-switch.ts";
import { replayLetters } from "./letters.ts";
import { createOutbox } from "./outbox.ts";
import { createPasses } from "./pass.ts";
import { createProber } from "./probing.ts";
import { openRecorder, type Recorded, type Recorder } from "./record.ts";
import { anchorOf, withRecordFiles } from "./record-files.ts";
import { createRecordGuard, type GuardVerdict, REPLACED_ANCHOR } from "./record-guard.ts";
import { createRollback } from "./rollback.ts";
import { createRollouts } from "./rollouts.ts";
import { statusTextInTurns } from "./status-files.ts";
import { superviseClone, superviseOnce } from "./supervise.ts";
import { createTokens } from "./tokens.ts";
import { createTracer } from "./trace.ts";
import { createWatching } from "./watching.ts";
import { noticesInto } from "./ways.ts";
import { createWriteBack, PUSHES_PER_MINUTE_MAX } from "./write-back.ts";

export interface ControllerParts {
  readonly store: Store;
  readonly source: Source;
  readonly statusBranch: StatusBranch;
  readonly drivers: ReadonlyMap<string, Driver>;
  readonly workspaces: Workspaces;
  readonly secrets: Secrets;
  readonly judge: Judge;
  readonly traces: Traces;
  readonly killSwitch: KillSwitchFile & { readonly path: string };
  readonly drills: Drills;
  readonly inCore: InCoreLane;
  readonly proposals: Proposals;
  readonly notifiers: OpenNotifier;
  readonly clock: Clock;
  readonly log: Log;
  /** Name of this installation: part of every mission's id and of every commit. */
  readonly installation: string;
  /** What the fleet repository is called; the same wherever it is cloned from. */
  readonly repository: string;
  readonly key: Uint8Array;
  readonly operatorToken: string;
  /** What was parsed before, by another controller of this process; without it everything is read once. */
  readonly documents?: DocumentMemory;
  /** An empty record beside a status branch that knows of missions is meant so. */
  readonly fresh?: boolean;
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
  look(signal: AbortSignal): Promise<void>;
  /** Plans and records until there is nothing left to plan. */
  pass(signal: AbortSignal): Promise<void>;
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
  /** Something happened since the last call that another pass could act upon. */
  takeDirty(): boolean;
  /** Resolves when no effect is under way and nothing waits to be recorded. */
  settled(): Promise<void>;
  /** Whether the record is the one that was published from. */
  recordVerdict(): GuardVerdict;
  /** Nothing was ever recorded, and it is not to be: this controller has no business. */
  mustEnd(): FactoryError | null;
  /** Whether every declared mission is closed and everything is published. */
  atRest(): boolean;
  /** Everything that status is derived from, as it is now. */
  picture(): Picture;
  close(): Promise<void>;
}

const PUSHES = "status_pushes";
/** Until `fleet.yaml` has been read. */
const DEFAULT_FLUSH_SECONDS = 300;
/** The chance that what was recorded last is also told before we end; the next controller has the rest. */
const LAST_NOTICES_MS = SECOND_MS;

export async function createController(parts: ControllerParts): Promise<Controller> {
  const { store, clock, log, drivers } = parts;
  const recorder: Recorder = await openRecorder({
    store,
    clock,
    log,
    tell: noticesInto(() => recorder.settings, declaredNotify),
  });
  const tokens = createTokens({ key: parts.key, operatorToken: parts.operatorToken });
  const desires = createDesires({
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
    fresh: parts.fresh === true,
  });
  const rollback = createRollback({
    recorder,
    source: parts.source,
    proposals: parts.proposals,
    clock,
    log,
  });
  const rollouts = createRollouts({ recorder, clock, log });
  const passes = createPasses({
    source: parts.source,
    desires,
    drivers,
    recorder,
    rollback,
    rollouts,
    clock,
    log,
    obstacle: () => guard.obstacle(),
    killSwitch: () => killSwitch.engaged(),
  });
  const killSwitch: KillSwitch = createKillSwitch({
    recorder,
    drivers,
    file: parts.killSwitch,
    path: parts.killSwitch.path,
    fleet: () => passes.desired()?.fleet ?? null,
    clock,
    log,
    onChange() {
      dirty = true;
      writeBack.touch(true);
    },
  });
  let callbackUrl = "";
  const tracer = createTracer({
    traces: parts.traces,
    journal: store,
    signals: recorder.signals,
    secrets: parts.secrets,
    workspaces: parts.workspaces,
    clock,
    log,
  });
  const handlers = createEffectHandlers({
    tracer,
    killSwitch,
    drivers,
    workspaces: parts.workspaces,
    secrets: parts.secrets,
    judge: parts.judge,
    inCore: parts.inCore,
    proposals: parts.proposals,
    source: parts.source,
    revision: () => passes.desired()?.revision ?? null,
    desires,
    tokens,
    installation: parts.installation,
    callbackUrl: () => callbackUrl,
    signals: recorder.signals,
    now: () => clock.now(),
    prices: () => (passes.desired()?.fleet ?? DEFAULT_FLEET_POLICY).prices,
    log,
    obstacle: (signal) => guard.obstacleSoon(signal),
  });
  const dispatcher = createDispatcher({ recorder, handlers, clock, log });
  const actions = createActions({ recorder, store, clock });
  const closures = createClosures({
    recorder,
    lane: (name) => lane(name)?.name ?? null,
    interventionsMax: () =>
      (passes.desired()?.fleet ?? DEFAULT_FLEET_POLICY).guardrails.maxInterventionsPerMission,
  });
  const arrivals = createArrivals();
  const prober = createProber({ drivers, clock, log });
  const watching = createWatching(clock);
  const ingest = createIngest({
    recorder,
    store,
    clock,
    onUsage: (clone) => superviseClone(clone, { recorder, watching }),
  });
  const control = createControl({ recorder, clock, lane: (name) => lane(name)?.name ?? null });
  const answers = createAnswers({ recorder, clock, caps: () => passes.desired()?.fleet.caps ?? null });
  let dirty = true;
  const outbox = createOutbox({
    recorder,
    open: parts.notifiers,
    declared: declaredNotify,
    clock,
    log,
  });

  const drills = createPlannedDrills({
    recorder,
    drills: parts.drills,
    desired: () => passes.desired(),
    destinations: declaredNotify,
    killSwitch: () => killSwitch.engaged(),
    clock,
    log,
    onChange: () => writeBack.touch(true),
  });

  /** Null while `fleet.yaml` has not been read or cannot be used. */
  function declaredNotify(): readonly Destination[] | null {
    const desired = passes.desired();
    return desired === null || desired.broken.has("fleet") ? null : desired.fleet.simone.notify;
  }

  function callbacks(): CallbackFacts {
    const deadLetters = [
      ...deadLettersOf(recorder.outbox.values()),
      ...shimLettersOf(recorder.states.values()),
    ];
    return { destinations: outbox.destinations(), deadLetters };
  }

  const writeBack = createWriteBack({
    pushesPerMinute: () => passes.desired()?.fleet.writeBack.maxPushesPerMinute ?? PUSHES_PER_MINUTE_MAX,
    branch: parts.statusBranch,
    // A copy: the record goes on while the texts are written.
    derive: async () => {
      const now = { ...picture(), states: new Map(recorder.states) };
      const { installation, repository } = parts;
      return withRecordFiles(await statusTextInTurns(now), {
        states: now.states,
        settings: publishedSettings(recorder.settings),
        anchor: await anchorOf(store, { installation, repository }),
        store,
      });
    },
    admit: (files) => guard.admit(files),
    clock,
    log,
    pushes: readPushes(recorder.settings.get(PUSHES)),
    // Before the push, so that neither a crash nor a failing record earns new ones.
    onPush: (pushes) =>
      recorder.putSettings({ [PUSHES]: JSON.stringify(pushes.slice(-PUSHES_PER_MINUTE_MAX)) }),
  });
  recorder.onEffects((effects) => dispatcher.add(effects));
  recorder.onChange((change) => {
    if (matters(change)) {
      dirty = true;
      writeBack.touch(isUrgent(change));
    }
    // What was done outside must not be done again, whatever becomes of this disk.
    if (change.before.mission?.actions !== change.after.mission?.actions) writeBack.keep();
  });

  function picture(): Picture {
    return {
      installation: parts.installation,
      now: clock.now(),
      source: passes.source(),
      desired: passes.desired(),
      states: recorder.states,
      signals: recorder.signals,
      held: passes.lastPlan()?.held ?? [],
      rollback: rollback.state(),
      rollouts: rollouts.all(),
      drills: drills.book(),
      suspicion: (state) =>
        state.instance === null ? null : arrivals.suspicion(state.name, state.instance, clock.now()),
    };
  }

  async function look(signal: AbortSignal): Promise<void> {
    const before = `${passes.source().state} ${passes.source().reason} ${passes.source().revision}`;
    await passes.look(signal);
    const pin = rollback.pin();
    await rollback.propose(passes.desired(), signal);
    if (rollback.pin() !== pin) writeBack.touch(false);
    if (before !== `${passes.source().state} ${passes.source().reason} ${passes.source().revision}`) {
      dirty = true;
      writeBack.touch(passes.source().state === "error");
    }
  }

  async function pass(signal: AbortSignal): Promise<void> {
    // Where its branch is called is known once `fleet.yaml` was read.
    const desired = passes.desired();
    if (desired !== null && !(guard.empty && desired.broken.has("fleet"))) await guard.settle(signal);
    const before = { held: passes.lastPlan()?.held ?? [], rollback: rollback.state() };
    await passes.pass(signal);
    if (!sameValue(passes.lastPlan()?.held ?? [], before.held)) writeBack.touch(false);
    // The mode stands on the board, and a pin is a question to a person.
    if (rollback.state() !== before.rollback) writeBack.touch(rollback.pin() !== before.rollback.pin);
  }

  function lane(name: string): CloneState | null {
    const found = laneOf(recorder.states, name) ?? passes.desired()?.missions.get(name)?.contract.clone;
    return found === undefined ? null : (recorder.states.get(found) ?? null);
  }

  async function why(name: string): Promise<WhyView | null> {
    const state = lane(name);
    const isClone = recorder.states.has(name) || passes.desired()?.clones.has(name) === true;
    const held = (passes.lastPlan()?.held ?? []).filter(
      (one) =>
        one.subject === `mission/${name}` ||
        one.subject === `clone/${name}` ||
        one.subject === `clone/${state?.name ?? ""}` ||
        one.subject === "fleet",
    );
    const declared =
      passes.desired()?.missions.has(name) === true ||
      passes.desired()?.broken.has(`mission/${name}`) === true;
    if (state === null && !declared && !isClone && held.length === 0) return null;
    const { runs, text } = headline(name, state, held);
    return {
      subject: name,
      kind: isClone ? "clone" : "mission",
      runs,
      headline: text,
      steps: whySteps(state, held, clock.now()),
      provenance: state?.spec?.provenance ?? {},
      recent: state?.recent ?? [],
    };
  }

  /** Whoever is unknown to a record that may have been lost is not told that its epoch is over: it would end itself. */
  function isUnsettled(): boolean {
    return guard.empty && guard.obstacle() !== null;
  }

  function refuseEarly(): void {
    if (isUnsettled()) throw new FactoryError("record/unsettled", "retry", guard.obstacle() ?? "");
  }

  const controlPlane: ControlPlane = {
    installation: parts.installation,
    authenticate(token) {
      const caller = tokens.identify(token, recorder.states);
      return caller?.type === "instance" && isUnsettled() ? { ...caller, revoked: false } : caller;
    },
    async ingest(caller, events) {
      refuseEarly();
      return ingest.events(caller, events);
    },
    async heartbeat(caller, heartbeat) {
      refuseEarly();
      const answer = await ingest.heartbeat(caller, heartbeat);
      if (answer.status === 200) arrivals.note(caller.clone, caller.epoch, clock.now());
      return answer;
    },
    async claimAction(caller, claim) {
      refuseEarly();
      return actions.claim(caller, claim);
    },
    async completeAction(caller, completion) {
      refuseEarly();
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
      const signal = AbortSignal.timeout(120 * SECOND_MS);
      await look(signal);
      await pass(signal);
      const { state, message, revision } = passes.source();
      return state === "error"
        ? { ok: false, code: "unavailable", message }
        : { ok: true, message: `read ${revision?.slice(0, 12) ?? "nothing"}` };
    },
    async allowRewrite(request) {
      await parts.source.allowRewrite(request.from, request.to);
      log.warn("a rewritten history was allowed", {
        actor: request.actor,
        from: request.from,
        to: request.to,
      });
      return { ok: true, message: `the history may go from ${request.from} to ${request.to}` };
    },
    fleet: () => fleetView({ ...picture(), callbacks: callbacks() }),
    mission: (name) => missionViews(picture()).find((mission) => mission.name === name) ?? null,
    clone: (name) => {
      const state = recorder.states.get(name);
      return state === undefined ? null : cloneView(state, picture());
    },
    why,
    rollouts: () => rollouts.all().map(rolloutView),
    guardrails: () =>
      guardrailsView({
        state: rollback.state(),
        measures: rollback.measures(),
        breaches: rollback.breaches(),
        policy: passes.desired()?.fleet ?? DEFAULT_FLEET_POLICY,
        now: clock.now(),
      }),
    inbox: () => inboxOf({ ...picture(), callbacks: callbacks(), record: recorder.problem() }),
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
      const signal = AbortSignal.timeout(30 * SECOND_MS);
      for (const driver of drivers.values()) {
        const { instances } = await driver.list(signal);
        const newest = instances
          .filter(({ handle }) => handle.clone === state.name)
          .sort((a, b) => b.handle.epoch - a.handle.epoch)[0];
        if (newest !== undefined) return driver.transcript(newest.handle, bytesMax, signal);
      }
      return null;
    },
    readiness: () => {
      const source = passes.source();
      const checks = {
        source:
          source.state === "unknown"
            ? "not looked at yet"
            : source.state === "error"
              ? `${source.reason}: ${source.message}`
              : "ok",
        record: guard.obstacle() ?? recorder.problem()?.message ?? "ok",
        status_branch: writeBack.problem() ?? "ok",
        plan: passes.lastPlan() === null ? "no pass yet" : "ok",
      };
      return { ready: checks.plan === "ok" && checks.record === "ok" && source.state !== "unknown", checks };
    },
  };

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
    look,
    pass,
    supervise(readLagMs) {
      watching.begin(readLagMs);
      outbox.tick();
      drills.tick();
      return superviseOnce({
        recorder,
        watching,
        prober,
        policy: passes.desired()?.fleet ?? null,
      });
    },
    obeySwitch: () => killSwitch.tick(),
    // Nothing is written over what may be all that is left of the record.
    publish: async (signal) => (guard.obstacle() === null ? writeBack.tick(signal) : "waiting"),
    recordVerdict: () => guard.verdict(),
    mustEnd() {
      const obstacle = guard.verdict().type === "refused" && guard.empty ? guard.obstacle() : null;
      return obstacle === null ? null : new FactoryError("record/lost", "stall", obstacle);
    },
    publishDueAt: () => writeBack.dueAt(),
    touch: () => writeBack.refresh(),
    flushMs: () =>
      (passes.desired()?.fleet.writeBack.flushIntervalSeconds ?? DEFAULT_FLUSH_SECONDS) * SECOND_MS,
    takeDirty() {
      const was = dirty;
      dirty = false;
      return was;
    },
    async settled() {
      await recorder.idle();
      await dispatcher.idle();
      await outbox.idle();
      await recorder.idle();
    },
    picture,
    atRest: () => isAtRest(picture()) && writeBack.published() !== null,
    async close() {
      await drills.close();
      await dispatcher.close();
      outbox.tick();
      await Promise.race([outbox.idle(), clock.sleep(LAST_NOTICES_MS).catch(() => {})]);
      await outbox.close();
      await recorder.idle();
    },
  };
}

function isAtRest(picture: Picture): boolean {
  if (picture.source.state === "unknown") return false;
  const views = missionViews(picture);
  const busy = [...picture.states.values()].some(
    (state) => state.mission !== null || state.instance !== null,
  );
  return (
    !busy &&
    views.length > 0 &&
    views.every((mission) => mission.closure !== null || isPassedOver(picture, mission.name))
  );
}

/** Declared, but not to be run: cancelled before it began. */
function isPassedOver(picture: Picture, name: string): boolean {
  return picture.held.some(
    (held) =>
      held.subject === `mission/${name}` &&
      (held.reason === "Cancelled" || held.reason === "KillSwitchEngaged"),
  );
}

/** Whether people, or another pass, should see it. Progress and heartbeats ride along with the next flush. */
function matters({ before, after }: Recorded): boolean {
  return (
    before.phase !== after.phase ||
    before.epoch !== after.epoch ||
    before.generation !== after.generation ||
    before.withdrawn !== after.withdrawn ||
    before.mission?.missionId !== after.mission?.missionId ||
    before.mission?.limits !== after.mission?.limits ||
    before.past !== after.past ||
    before.holds !== after.holds ||
    before.requests !== after.requests ||
    before.mission?.blockers !== after.mission?.blockers ||
    before.instance?.health !== after.instance?.health
  );
}

/** A closure, an incident, a question to a person. The end of a mission is not: its closure follows within seconds. */
function isUrgent({ before, after }: Recorded): boolean {
  return (
    before.past !== after.past ||
    (before.mission?.incidents.length ?? 0) < (after.mission?.incidents.length ?? 0) ||
    (waitsForPeople(after) && !waitsForPeople(before))
  );
}

/** What a rebuilt record needs of them; how often we pushed is nobody's business a minute later. */
function publishedSettings(settings: ReadonlyMap<string, string>): Record<string, string> {
  const own: ReadonlySet<string> = new Set([PUSHES, REPLACED_ANCHOR]);
  return Object.fromEntries([...settings].filter(([key]) => !own.has(key)).sort());
}

function readPushes(text: string | undefined): number[] {
  const value: unknown = text === undefined ? [] : JSON.parse(text);
  return Array.isArray(value) ? value.filter((at): at is number => typeof at === "number") : [];
}
