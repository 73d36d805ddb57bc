import { REFUSED_MAX } from "../core/model/callback.ts";
import type { Effect } from "../core/model/effect.ts";
import { assertNever, FactoryError } from "../core/model/error.ts";
import type { CloneEvent } from "../core/model/event.ts";
import type { InstanceHandle, Signal } from "../core/model/instance.ts";
import { entryText } from "../core/model/kill-switch.ts";
import type { Prices } from "../core/model/prices.ts";
import type { Instant } from "../core/model/time.ts";
import { heartbeatMs } from "../core/supervise/liveness.ts";
import { graceLeftMs } from "../core/supervise/pause.ts";
import type { CloneState } from "../core/supervise/state.ts";
import { DEFAULT_LADDER, type Driver, type StopLadder } from "../ports/driver.ts";
import type { InCoreLane } from "../ports/in-core-lane.ts";
import type { Judge } from "../ports/judge.ts";
import type { Log } from "../ports/log.ts";
import type { Proposals } from "../ports/proposals.ts";
import type { Secrets } from "../ports/secrets.ts";
import type { Source } from "../ports/source.ts";
import type { Workspaces } from "../ports/workspaces.ts";
import type { WireEvent } from "../wire/event.ts";
import type { Desires } from "./desire.ts";
import { envelopeFor, envelopeForInCore } from "./envelope.ts";
import { type KillSwitch, subjectOf } from "./kill-switch.ts";
import { prepare } from "./prepare.ts";
import { toPulledReport } from "./reports.ts";
import { proposeTemplate } from "./template.ts";
import type { Tokens } from "./tokens.ts";
import type { Tracer } from "./trace.ts";

export interface EffectParts {
  readonly drivers: ReadonlyMap<string, Driver>;
  readonly workspaces: Workspaces;
  readonly secrets: Secrets;
  readonly judge: Judge;
  readonly inCore: InCoreLane;
  readonly proposals: Proposals;
  readonly source: Source;
  /** The revision that is obeyed, if one is known. */
  readonly revision: () => string | null;
  readonly desires: Desires;
  readonly tokens: Tokens;
  readonly tracer: Tracer;
  readonly killSwitch: Pick<KillSwitch, "covering">;
  readonly installation: string;
  /** Known once the API listens. */
  readonly callbackUrl: () => string;
  readonly now: () => Instant;
  /** Of `fleet.yaml`, as it is obeyed. */
  readonly prices: () => Prices;
  readonly log: Log;
  /** The newest heartbeats: what an instance that could not say a last word had measured. */
  readonly signals?: ReadonlyMap<string, Signal>;
  /** Why nothing may be started; null when it may. */
  readonly obstacle?: (signal: AbortSignal) => Promise<string | null>;
}

export interface EffectHandlers {
  /** Does it and tells what became of it. Throws for trouble outside. */
  carryOut(effect: Effect, state: CloneState, signal: AbortSignal): Promise<readonly CloneEvent[]>;
  /** What a failure means: events that settle the effect, or null to try again. */
  failed(effect: Effect, failure: FactoryError, lastTry: boolean): readonly CloneEvent[] | null;
}

/** Rungs that have no time to lose keep their graces short. */
const NOW_LADDER = { ...DEFAULT_LADDER, stdinGraceMs: 0, termGraceMs: 0 };
/** It had its chance when it was paused, and does harm while it tidies up. */
const RUNAWAY_LADDER = { ...DEFAULT_LADDER, termGraceMs: 1_000 };

export function createEffectHandlers(parts: EffectParts): EffectHandlers {
  const { tokens, desires, tracer } = parts;

  function driverOf(state: CloneState): Driver {
    const name = state.instance?.handle?.driver ?? state.spec?.runtime.driver ?? "process";
    const driver = parts.drivers.get(name);
    if (driver === undefined)
      throw new FactoryError("driver/unknown", "stall", `this controller has no driver named ${name}`);
    return driver;
  }

  async function handleOf(
    state: CloneState,
    epoch: number,
    signal: AbortSignal,
  ): Promise<InstanceHandle | null> {
    const recorded = state.instance?.epoch === epoch ? state.instance.handle : null;
    if (recorded !== null) return recorded;
    const listing = await driverOf(state).list(signal);
    const seen = listing.instances.find(
      ({ handle }) => handle.clone === state.name && handle.epoch === epoch,
    );
    if (seen === undefined && !listing.complete) {
      throw new FactoryError("driver/listing", "retry", listing.problem ?? "the listing is not complete");
    }
    return seen?.handle ?? null;
  }

  /** Of whatever is left of an epoch; null when nothing is. */
  async function anyHandle(
    driver: Driver,
    clone: string,
    epoch: number,
    signal: AbortSignal,
  ): Promise<InstanceHandle | null> {
    const { instances } = await driver.list(signal);
    return instances.find(({ handle }) => handle.clone === clone && handle.epoch === epoch)?.handle ?? null;
  }

  async function knownHandle(state: CloneState, epoch: number, signal: AbortSignal): Promise<InstanceHandle> {
    const handle = await handleOf(state, epoch, signal);
    if (handle === null)
      throw new FactoryError(
        "driver/unknown-instance",
        "retry",
        `${state.name} has no instance of epoch ${epoch}`,
      );
    return handle;
  }

  async function launch(
    state: CloneState,
    effect: Extract<Effect, { type: "launch" }>,
    signal: AbortSignal,
  ): Promise<CloneEvent[]> {
    const { spec } = state;
    if (spec === null) return [];
    const engaged = parts.killSwitch.covering(state);
    // Tried again until the kill, which may be waiting for a record that cannot be written, has made it pointless.
    if (engaged !== null) throw new FactoryError("kill-switch/engaged", "retry", entryText(engaged));
    const secrets = await parts.secrets.resolve(spec.secrets, signal);
    const handle = await driverOf(state).start(
      {
        clone: state.name,
        epoch: effect.epoch,
        nonce: effect.nonce,
        workspace: parts.workspaces.pathOf(state.name),
        agent: spec.agent,
        healthChecks: spec.healthChecks,
        orphanPolicy: spec.orphanPolicy,
        isolation: spec.runtime.isolation,
        prices: parts.prices(),
        subject: subjectOf(state),
        token: tokens.forInstance({ clone: state.name, epoch: effect.epoch, nonce: effect.nonce }),
        secrets: secrets.values,
        callbackUrl: parts.callbackUrl(),
        heartbeatIntervalMs: state.instance?.heartbeatIntervalMs ?? heartbeatMs(state),
      },
      signal,
    );
    return [{ type: "instance.launched", epoch: effect.epoch, handle }];
  }

  async function configure(state: CloneState, epoch: number, signal: AbortSignal): Promise<CloneEvent[]> {
    const heartbeatIntervalMs = heartbeatMs(state);
    const handle = await knownHandle(state, epoch, signal);
    await driverOf(state).configure(
      handle,
      { callbackUrl: parts.callbackUrl(), heartbeatIntervalMs },
      signal,
    );
    return [{ type: "instance.configured", epoch, heartbeatIntervalMs }];
  }

  /** Within its grace it is told and frozen by its shim. Null: there is none, or its driver knows none. */
  async function pauseAfterTurn(
    state: CloneState,
    epoch: number,
    signal: AbortSignal,
  ): Promise<CloneEvent | null> {
    const driver = driverOf(state);
    const graceMs = graceLeftMs(state.instance, parts.now());
    if (graceMs <= 0 || driver.pauseAfterTurn === undefined) return null;
    const handle = await knownHandle(state, epoch, signal);
    const { frozen, beat } = await driver.pauseAfterTurn(handle, { graceMs }, signal);
    return frozen ? { type: "instance.paused", epoch } : { type: "instance.pausing", epoch, beat };
  }

  async function dispatch(state: CloneState, epoch: number, signal: AbortSignal): Promise<CloneEvent[]> {
    const handle = await knownHandle(state, epoch, signal);
    const envelope = envelopeFor(state, {
      installation: parts.installation,
      callbackUrl: parts.callbackUrl(),
    });
    await driverOf(state).dispatch(handle, envelope, signal);
    return [{ type: "dispatch.finished", epoch }];
  }

  /** Fence first: whatever comes up late cannot. Then the end, the proof, and what its outbox still holds. */
  async function stop(
    state: CloneState,
    effect: Extract<Effect, { type: "stop" }>,
    signal: AbortSignal,
  ): Promise<CloneEvent[]> {
    const driver = driverOf(state);
    await driver.fence(state.name, effect.epoch, signal);
    const handle = await handleOf(state, effect.epoch, signal);
    if (handle === null) {
      const evidence = "the epoch is fenced and a complete listing does not show it: it never started";
      const proof = {
        containment: "group",
        rung: "already",
        emptyScans: 1,
        durationMs: 0,
        evidence,
      } as const;
      return [{ type: "stop.finished", epoch: effect.epoch, proof }];
    }
    if (effect.trace !== undefined)
      await tracer.before({ state, driver, handle, cause: effect.trace }, signal);
    const proof = await driver.stop(handle, ladderFor(effect), signal);
    const rest = [
      ...(await undelivered(driver, handle, state, signal)),
      ...(await refusedReports(driver, handle, state, signal)),
    ];
    await forgetOld(driver, state.name, effect.epoch, signal);
    const last = parts.signals?.get(state.name)?.heartbeat;
    const active = last?.epoch === effect.epoch ? { activeMs: Math.round(last.usage.activeMs) } : {};
    return [...rest, { type: "stop.finished", epoch: effect.epoch, proof, ...active }];
  }

  /** What is left of earlier epochs is forgotten but for the newest few, or listings would grow with every restart. */
  async function forgetOld(driver: Driver, clone: string, epoch: number, signal: AbortSignal): Promise<void> {
    if (epoch <= EPOCHS_KEPT) return;
    try {
      const { instances } = await driver.list(signal);
      const old = instances.filter(
        ({ handle, state }) =>
          handle.clone === clone && handle.epoch <= epoch - EPOCHS_KEPT && state === "dead",
      );
      for (const { handle } of old) await driver.reap(handle, signal);
    } catch (error) {
      // The next stop tries again; the proof of this one must not wait for it.
      parts.log.warn("old instances could not be forgotten", { clone, error: String(error) });
    }
  }

  async function undelivered(
    driver: Driver,
    handle: InstanceHandle,
    state: CloneState,
    signal: AbortSignal,
  ): Promise<CloneEvent[]> {
    const { instance } = state;
    if (instance === null || instance.epoch !== handle.epoch) return [];
    const events: readonly WireEvent[] = await driver.pullOutbox(handle, instance.lastSeq, signal);
    return events.map((event) => ({
      type: "instance.reported",
      epoch: handle.epoch,
      report: toPulledReport(event),
    }));
  }

  /** One attempt to bring a degraded instance back; also a failed one is an outcome, and the core decides what comes next. */
  async function recover(
    effect: Extract<Effect, { type: "probe" | "reconnect" | "revive" }>,
    state: CloneState,
    signal: AbortSignal,
  ): Promise<CloneEvent[]> {
    const { epoch } = effect;
    const driver = driverOf(state);
    const handle = await knownHandle(state, epoch, signal);
    if (effect.type === "probe") {
      const found = await driver.probe(handle, signal);
      return [{ type: "recovery.tried", epoch, rung: "probe", ok: true, found, evidence: found.evidence }];
    }
    if (effect.type === "revive") {
      const evidence = await driver.revive(handle, { again: effect.again }, signal);
      return [{ type: "recovery.tried", epoch, rung: "resume", ok: true, found: null, evidence }];
    }
    const heartbeatIntervalMs = heartbeatMs(state);
    const settings = { callbackUrl: parts.callbackUrl(), heartbeatIntervalMs };
    const done = await driver.reconnect(handle, settings, signal);
    const pulled = await undelivered(driver, handle, state, signal);
    const evidence = `${done}; ${pulled.length} reports were brought in`;
    return [
      ...pulled,
      // What comes this way says something about the callback as well.
      ...(pulled.length === 0 ? [] : [readThrough(pulled, epoch, state)]),
      { type: "instance.configured", epoch, heartbeatIntervalMs },
      { type: "recovery.tried", epoch, rung: "reconnect", ok: true, found: null, evidence },
    ];
  }

  /** An instance that cannot reach us is asked instead: its answer stands for the heartbeat that does not arrive. */
  async function answered(
    driver: Driver,
    handle: InstanceHandle,
    { instance }: CloneState,
    signal: AbortSignal,
  ): Promise<CloneEvent[]> {
    if (instance?.epoch !== handle.epoch || instance.callback.downSince === null) return [];
    const found = await driver.probe(handle, signal);
    const { epoch } = handle;
    return [
      { type: "recovery.tried", epoch, rung: "probe", ok: found.answers, found, evidence: found.evidence },
    ];
  }

  /** What its shim has set aside since we last looked. Its reports are not lost, so nothing waits for this. */
  async function refusedReports(
    driver: Driver,
    handle: InstanceHandle,
    { instance, name }: CloneState,
    signal: AbortSignal,
  ): Promise<CloneEvent[]> {
    if (instance === null || instance.epoch !== handle.epoch) return [];
    try {
      const letters = await driver.deadLetters(handle, signal);
      if (letters.length <= instance.callback.refusedSeen) return [];
      const reports = letters.slice(-REFUSED_MAX);
      return [{ type: "callback.refused", epoch: handle.epoch, reports, seen: letters.length }];
    } catch (error) {
      parts.log.warn("a shim's dead letters could not be read", { clone: name, error: String(error) });
      return [];
    }
  }

  async function carryOut(
    effect: Effect,
    state: CloneState,
    signal: AbortSignal,
  ): Promise<readonly CloneEvent[]> {
    if (effect.type === "prepare" || effect.type === "launch") await refuseDoubtful(signal);
    switch (effect.type) {
      case "prepare":
        return [{ type: "prepare.finished", gates: await prepare(state, parts, signal) }];
      case "launch":
        return launch(state, effect, signal);
      case "dispatch":
        return dispatch(state, effect.epoch, signal);
      case "configure":
        return configure(state, effect.epoch, signal);
      case "pause": {
        const pausing = await pauseAfterTurn(state, effect.epoch, signal);
        if (pausing !== null) return [pausing];
        await driverOf(state).pause(await knownHandle(state, effect.epoch, signal), signal);
        return [{ type: "instance.paused", epoch: effect.epoch }];
      }
      case "resume":
        await driverOf(state).resume(await knownHandle(state, effect.epoch, signal), signal);
        return [{ type: "instance.resumed", epoch: effect.epoch }];
      case "tell": {
        const { epoch, id, from, text } = effect;
        await driverOf(state).tell(await knownHandle(state, epoch, signal), { id, from, text }, signal);
        return [{ type: "agent.told", epoch, id, from }];
      }
      case "probe":
      case "reconnect":
      case "revive":
        return recover(effect, state, signal);
      case "stop":
        return stop(state, effect, signal);
      case "pull": {
        const handle = await knownHandle(state, effect.epoch, signal);
        const pulled = await undelivered(driverOf(state), handle, state, signal);
        return [
          ...pulled,
          ...(await refusedReports(driverOf(state), handle, state, signal)),
          ...(await answered(driverOf(state), handle, state, signal)),
          readThrough(pulled, effect.epoch, state),
        ];
      }
      case "hand_over": {
        const { evidence } = await parts.inCore.handOver(
          {
            url: effect.url,
            authRef: effect.authRef,
            envelope: envelopeForInCore(state, {
              installation: parts.installation,
              callbackUrl: parts.callbackUrl(),
            }),
            reason: "the fleet is in_core_only",
          },
          signal,
        );
        return [{ type: "handover.finished", missionId: effect.missionId, evidence }];
      }
      case "judge": {
        const { mission } = state;
        if (mission === null) return [];
        const verdict = await parts.judge.judge(
          {
            missionId: mission.missionId,
            mission: mission.name,
            revision: mission.revision,
            workspace: parts.workspaces.pathOf(state.name),
            contract: mission.contract,
          },
          signal,
        );
        return [{ type: "judge.finished", missionId: effect.missionId, verdict }];
      }
      case "trace":
        return tracer.after(
          effect,
          {
            state,
            driver: driverOf(state),
            handle: await anyHandle(driverOf(state), state.name, effect.epoch, signal),
          },
          signal,
        );
      case "promote":
        return [
          {
            type: "promote.finished",
            missionId: effect.missionId,
            evidence: await proposeTemplate(state, effect.missionId, parts, signal),
          },
        ];
      case "archive": {
        const { path } = await parts.workspaces.archive(state.name, effect.missionId, signal);
        return [{ type: "archive.finished", missionId: effect.missionId, path }];
      }
      default:
        return assertNever(effect);
    }
  }

  /** Nothing is started from a record that may not be the true one. */
  async function refuseDoubtful(signal: AbortSignal): Promise<void> {
    const obstacle = (await parts.obstacle?.(signal)) ?? null;
    if (obstacle !== null) throw new FactoryError("record/doubtful", "retry", obstacle);
  }

  return { carryOut, failed: (effect, failure, lastTry) => failed(effect, failure, lastTry) };

  function failed(effect: Effect, failure: FactoryError, lastTry: boolean): readonly CloneEvent[] | null {
    const message = failure.message;
    const pointless = failure.disposition === "stall" || failure.disposition === "yield";
    switch (effect.type) {
      case "launch":
        if (failure.disposition === "retry" && !lastTry && RETRY_LAUNCH.has(failure.code)) return null;
        return [
          {
            type: "instance.launch_failed",
            epoch: effect.epoch,
            code: failure.code,
            message,
            permanent: failure.disposition === "stall",
          },
        ];
      case "probe":
      case "reconnect":
      case "revive": {
        const rung = effect.type === "revive" ? "resume" : effect.type;
        const { epoch } = effect;
        return [{ type: "recovery.tried", epoch, rung, ok: false, found: null, evidence: message }];
      }
      case "dispatch":
        return [{ type: "dispatch.failed", epoch: effect.epoch, message }];
      case "stop":
        return [{ type: "stop.failed", epoch: effect.epoch, message }];
      case "promote":
        return failure.disposition === "stall"
          ? [
              {
                type: "promote.finished",
                missionId: effect.missionId,
                evidence: `not proposed: ${message}`,
              },
            ]
          : null;
      case "hand_over":
        return failure.disposition === "stall"
          ? [{ type: "handover.failed", missionId: effect.missionId, message }]
          : null;
      case "trace":
        // A disk that is full today may not be tomorrow, but the lane does not wait until then.
        return pointless || lastTry ? [{ type: "trace.failed", missionId: effect.missionId, message }] : null;
      case "judge":
        return [{ type: "judge.failed", missionId: effect.missionId, message }];
      case "prepare":
        return [
          {
            type: "prepare.finished",
            gates: [
              {
                type: "BaselineApplied",
                ok: false,
                reason: "PreparationFailed",
                evidence: message,
                at: desires.now(),
              },
            ],
          },
        ];
      default:
        // Nobody asks for these again, so they are tried for as long as there is an instance, or an archive, that they are for.
        return pointless ? [] : null;
    }
  }
}

function ladderFor({ enter, trace }: Extract<Effect, { type: "stop" }>): StopLadder {
  if (enter === "now") return { ...NOW_LADDER, enter };
  return { ...(trace === "runaway" ? RUNAWAY_LADDER : DEFAULT_LADDER), enter };
}

/** How far the outbox was read, and how much of it had not come over the callback. */
function readThrough(pulled: readonly CloneEvent[], epoch: number, { instance }: CloneState): CloneEvent {
  const last = pulled.at(-1);
  const throughSeq = last?.type === "instance.reported" ? last.report.seq : (instance?.lastSeq ?? 0);
  return { type: "callback.restored", epoch, throughSeq, brought: pulled.length };
}

/** Dead instances per clone whose transcripts are kept to be looked at. */
const EPOCHS_KEPT = 5;

/** Launches worth repeating under the same epoch: the old instance is on its way out, or the machine was busy or full. */
const RETRY_LAUNCH: ReadonlySet<string> = new Set([
  "driver/alive",
  "driver/disk",
  "kill-switch/engaged",
  "record/doubtful",
]);
