/** What is done to a living instance, and what makes one live. */
import { heartbeatMs } from "../../core/clone/health/liveness.ts";
import { graceLeftMs } from "../../core/clone/stop/pause.ts";
import { FactoryError } from "../../core/model/error.ts";
import type { CloneEvent } from "../../core/model/event.ts";
import { entryText } from "../../core/model/kill-switch.ts";
import { subjectOf } from "../fleet/kill-switch.ts";
import type { EffectContext, EffectHandler, EffectTable } from "./effect.ts";
import { envelopeFor } from "./envelope.ts";
import { limitsFor } from "./limits-for.ts";
import { prepare } from "./prepare.ts";
import { recover } from "./recover.ts";
import { answered, readThrough, refusedReports, undelivered } from "./reports.ts";

export const INSTANCE_EFFECTS: EffectTable<
  | "prepare"
  | "launch"
  | "dispatch"
  | "configure"
  | "pause"
  | "resume"
  | "message"
  | "pull"
  | "probe"
  | "reconnect"
  | "revive"
> = {
  prepare: async (_effect, context) => {
    await refuseDoubtful(context);
    const { state, parts, signal } = context;
    return [{ type: "prepare.finished", gates: await prepare(state, parts, signal) }];
  },
  launch,
  dispatch: async ({ epoch }, { state, parts, handles, signal }) => {
    const handle = await handles.knownHandle(state, epoch, signal);
    const driver = handles.driverOf(state);
    const { installation, callbackUrl } = parts;
    const envelope = envelopeFor(state, "instance", { installation, callbackUrl: callbackUrl(driver) });
    await driver.dispatch(handle, envelope, signal);
    return [{ type: "dispatch.finished", epoch }];
  },
  configure: async ({ epoch }, { state, parts, handles, signal }) => {
    const heartbeatIntervalMs = heartbeatMs(state);
    const handle = await handles.knownHandle(state, epoch, signal);
    const driver = handles.driverOf(state);
    const settings = { callbackUrl: parts.callbackUrl(driver), heartbeatIntervalMs, ...limitsFor(state) };
    await driver.configure(handle, settings, signal);
    return [{ type: "instance.configured", epoch, heartbeatIntervalMs }];
  },
  pause: async ({ epoch }, context) => {
    try {
      const pausing = await pauseAfterTurn(epoch, context);
      if (pausing !== null) return [pausing];
      const { state, handles, signal } = context;
      await handles.driverOf(state).pause(await handles.knownHandle(state, epoch, signal), signal);
      return [{ type: "instance.paused", epoch }];
    } catch (error) {
      // Tried by the driver with all it has: another try would only give it more time.
      if (!(error instanceof FactoryError) || error.code !== "driver/not-frozen") throw error;
      return [{ type: "pause.failed", epoch, message: error.message }];
    }
  },
  resume: async ({ epoch }, { state, handles, signal }) => {
    await handles.driverOf(state).resume(await handles.knownHandle(state, epoch, signal), signal);
    return [{ type: "instance.resumed", epoch }];
  },
  message: async ({ epoch, id, from, text }, { state, handles, signal }) => {
    const handle = await handles.knownHandle(state, epoch, signal);
    await handles.driverOf(state).tell(handle, { id, from, text }, signal);
    return [{ type: "message.delivered", epoch, id, from }];
  },
  pull: async ({ epoch }, { state, parts, handles, signal }) => {
    const driver = handles.driverOf(state);
    const handle = await handles.knownHandle(state, epoch, signal);
    const pulled = await undelivered(driver, handle, state, signal);
    return [
      ...pulled,
      ...(await refusedReports(driver, handle, state, { signal, log: parts.log })),
      ...(await answered(driver, handle, state, signal)),
      readThrough(pulled, epoch, state),
    ];
  },
  probe: takeRung,
  reconnect: takeRung,
  revive: takeRung,
};

async function launch(
  effect: Parameters<EffectHandler<"launch">>[0],
  context: EffectContext,
): Promise<CloneEvent[]> {
  await refuseDoubtful(context);
  const { state, parts, handles, signal } = context;
  const { spec } = state;
  if (spec === null) return [];
  const engaged = parts.killSwitch.covering(state);
  // Tried again until the kill, which may be waiting for a record that cannot be written, has made it pointless.
  if (engaged !== null) throw new FactoryError("kill-switch/engaged", "retry", entryText(engaged));
  const unknown = parts.killSwitch.unknown();
  if (unknown !== null) throw new FactoryError("kill-switch/unknown", "retry", unknown.message);
  const secrets = await parts.secrets.resolve(spec.secrets, signal);
  const driver = handles.driverOf(state);
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
      shares: parts.shares(),
      ...(spec.runtime.resources === undefined ? {} : { resources: spec.runtime.resources }),
      prices: parts.prices(),
      subject: subjectOf(state),
      token: parts.tokens.forInstance({ clone: state.name, epoch: effect.epoch, nonce: effect.nonce }),
      secrets: secrets.values,
      callbackUrl: parts.callbackUrl(driver),
      heartbeatIntervalMs: state.instance?.heartbeatIntervalMs ?? heartbeatMs(state),
      ...limitsFor(state),
    },
    signal,
  );
  return [{ type: "instance.launched", epoch: effect.epoch, handle }];
}

/** Within its grace it is told and frozen by its shim. Null: there is none, or its driver knows none. */
async function pauseAfterTurn(
  epoch: number,
  { state, parts, handles, signal }: EffectContext,
): Promise<CloneEvent | null> {
  const driver = handles.driverOf(state);
  const graceMs = graceLeftMs(state.instance, parts.now());
  if (graceMs <= 0 || driver.pauseAfterTurn === undefined) return null;
  const handle = await handles.knownHandle(state, epoch, signal);
  const { frozen, beat } = await driver.pauseAfterTurn(handle, { graceMs }, signal);
  return frozen ? { type: "instance.paused", epoch } : { type: "instance.pausing", epoch, beat };
}

/** One rung of a recovery. */
function takeRung(
  effect: Parameters<EffectHandler<"probe" | "reconnect" | "revive">>[0],
  { state, parts, handles, signal }: EffectContext,
): Promise<readonly CloneEvent[]> {
  return recover(effect, state, { handles, callbackUrl: parts.callbackUrl }, signal);
}

/** Nothing is started from a record that may not be the true one. */
async function refuseDoubtful({ parts, signal }: EffectContext): Promise<void> {
  const obstacle = (await parts.obstacle?.(signal)) ?? null;
  if (obstacle !== null) throw new FactoryError("record/doubtful", "retry", obstacle);
}
