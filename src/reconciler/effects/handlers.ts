import { heartbeatMs } from "../../core/clone/health/liveness.ts";
import { graceLeftMs } from "../../core/clone/stop/pause.ts";
import type { CloneState } from "../../core/model/clone-state.ts";
import type { Effect } from "../../core/model/effect.ts";
import { assertNever, FactoryError } from "../../core/model/error.ts";
import type { CloneEvent } from "../../core/model/event.ts";
import type { Signal } from "../../core/model/instance.ts";
import { entryText } from "../../core/model/kill-switch.ts";
import type { Prices } from "../../core/model/prices.ts";
import type { Instant } from "../../core/model/time.ts";
import type { Driver } from "../../ports/driver.ts";
import type { InCoreLane } from "../../ports/in-core-lane.ts";
import type { Judge } from "../../ports/judge.ts";
import type { Log } from "../../ports/log.ts";
import type { Proposals } from "../../ports/proposals.ts";
import type { Secrets } from "../../ports/secrets.ts";
import type { Source } from "../../ports/source.ts";
import type { Tokens } from "../callbacks/tokens.ts";
import { type KillSwitch, subjectOf } from "../fleet/kill-switch.ts";
import type { ResolvedRevisions } from "../source/resolved-revisions.ts";
import { envelopeFor } from "./envelope.ts";
import { failed } from "./failed.ts";
import { createHandles } from "./handles.ts";
import { prepare } from "./prepare.ts";
import { recover } from "./recover.ts";
import { answered, readThrough, refusedReports, undelivered } from "./reports.ts";
import { stop } from "./stop.ts";
import { proposeTemplate } from "./template.ts";
import type { Tracer } from "./trace.ts";

export interface EffectParts {
  readonly drivers: ReadonlyMap<string, Driver>;
  readonly secrets: Secrets;
  readonly judge: Judge;
  readonly inCore: InCoreLane;
  readonly proposals: Proposals;
  readonly source: Source;
  /** The revision that is obeyed, if one is known. */
  readonly revision: () => string | null;
  readonly revisions: ResolvedRevisions;
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

export function createEffectHandlers(parts: EffectParts): EffectHandlers {
  const { tokens, tracer, log } = parts;
  const handles = createHandles(parts.drivers);
  const { driverOf, knownHandle } = handles;

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
    const driver = driverOf(state);
    const handle = await driver.start(
      {
        clone: state.name,
        epoch: effect.epoch,
        nonce: effect.nonce,
        workspace: driver.workspaces.refOf(state.name),
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
    const envelope = envelopeFor(state, "instance", {
      installation: parts.installation,
      callbackUrl: parts.callbackUrl(),
    });
    await driverOf(state).dispatch(handle, envelope, signal);
    return [{ type: "dispatch.finished", epoch }];
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
      case "message": {
        const { epoch, id, from, text } = effect;
        await driverOf(state).tell(await knownHandle(state, epoch, signal), { id, from, text }, signal);
        return [{ type: "message.delivered", epoch, id, from }];
      }
      case "probe":
      case "reconnect":
      case "revive":
        return recover(effect, state, { handles, callbackUrl: parts.callbackUrl }, signal);
      case "stop":
        return stop(effect, state, { ...parts, handles }, signal);
      case "pull": {
        const driver = driverOf(state);
        const handle = await knownHandle(state, effect.epoch, signal);
        const pulled = await undelivered(driver, handle, state, signal);
        return [
          ...pulled,
          ...(await refusedReports(driver, handle, state, { signal, log })),
          ...(await answered(driver, handle, state, signal)),
          readThrough(pulled, effect.epoch, state),
        ];
      }
      case "hand_over": {
        const { evidence } = await parts.inCore.handOver(
          {
            url: effect.url,
            authRef: effect.authRef,
            envelope: envelopeFor(state, "next", {
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
            workspace: driverOf(state).workspaces.refOf(state.name),
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
            handle: await handles.anyHandle(state, effect.epoch, signal),
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
        const { path } = await driverOf(state).workspaces.archive(state.name, effect.missionId, signal);
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

  return {
    carryOut,
    failed: (effect, failure, lastTry) => failed(effect, failure, { lastTry, now: parts.revisions.now() }),
  };
}
