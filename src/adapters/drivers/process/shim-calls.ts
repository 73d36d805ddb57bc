/** What a living instance is asked to do, over the control socket of its shim; a pause also without it. */
import { FactoryError } from "../../../core/model/error.ts";
import type { InstanceHandle } from "../../../core/model/instance.ts";
import { SHORTAGE_CODE } from "../../../core/model/shortage.ts";
import { type Intent, readFence } from "../../../instance/claim.ts";
import { isRecord } from "../../../instance/files.ts";
import { freezeAgent } from "../../../instance/freeze.ts";
import { limitsOnWire } from "../../../instance/held-limits.ts";
import type { Driver, ShimSettings } from "../../../ports/driver.ts";
import type { Log } from "../../../ports/log.ts";
import { CALL_TIMEOUT_MS, callShim } from "./control-client.ts";
import { cloneDirectory, type Layout, requiredInstance, targetOf } from "./layout.ts";
import { probeInstance, wakeShim } from "./probe.ts";

/** A pause does not wait long for a shim: it can be done without. */
const PAUSE_TIMEOUT_MS = 1_500;

/** The shim did not hear it. */
const UNASKED: ReadonlySet<string> = new Set(["driver/unreachable", SHORTAGE_CODE]);

type ShimCalls = Required<
  Pick<
    Driver,
    | "dispatch"
    | "configure"
    | "tell"
    | "pause"
    | "resume"
    | "pauseAfterTurn"
    | "probe"
    | "reconnect"
    | "revive"
  >
>;

export function createShimCalls({ layout, log }: { readonly layout: Layout; readonly log: Log }): ShimCalls {
  function call(
    handle: InstanceHandle,
    { method, params }: { readonly method: string; readonly params: object },
    signal: AbortSignal,
  ): Promise<unknown> {
    const { socket, nonce } = requiredInstance(layout, handle).intent;
    const timeoutMs = method === "pause" ? PAUSE_TIMEOUT_MS : CALL_TIMEOUT_MS;
    return callShim({ socket, nonce, method, params: { ...params }, timeoutMs, signal });
  }

  /** What the shim answered, or null when it was done without. */
  async function callOrFreeze(
    handle: InstanceHandle,
    asked: { readonly method: "pause" | "resume"; readonly params: object },
    signal: AbortSignal,
  ): Promise<unknown> {
    try {
      return await call(handle, asked, signal);
    } catch (error) {
      const unreachable = error instanceof FactoryError && UNASKED.has(error.code);
      const frozen = asked.method === "pause";
      if (!unreachable || !freezeAgent(targetOf(requiredInstance(layout, handle)), frozen)) throw error;
      const { clone, epoch } = handle;
      log.warn(`${asked.method} was done without the shim, which did not answer`, { clone, epoch });
      return null;
    }
  }

  const configure = (
    handle: InstanceHandle,
    settings: ShimSettings,
    signal: AbortSignal,
  ): Promise<unknown> => {
    const { callback } = requiredInstance(layout, handle).intent;
    return call(handle, { method: "configure", params: settingsOf(settings, callback) }, signal);
  };

  return {
    async dispatch(handle, envelope, signal) {
      if (readFence(cloneDirectory(layout, handle.clone)) >= handle.epoch) {
        const message = `epoch ${handle.epoch} of ${handle.clone} is fenced`;
        throw new FactoryError("driver/fenced", "yield", message);
      }
      await call(handle, { method: "dispatch", params: { envelope } }, signal);
    },
    async configure(handle, settings, signal) {
      await configure(handle, settings, signal);
    },
    async tell(handle, message, signal) {
      await call(handle, { method: "tell", params: message }, signal);
    },
    async pause(handle, signal) {
      // A pause passes every gate, also a shim that does not answer. It will not know, and say `running`.
      await callOrFreeze(handle, { method: "pause", params: {} }, signal);
    },
    async pauseAfterTurn(handle, { graceMs }, signal) {
      const said = await callOrFreeze(handle, { method: "pause", params: { grace_ms: graceMs } }, signal);
      if (!isRecord(said)) return { frozen: true, beat: 0 };
      return { frozen: said["paused"] === true, beat: Number(said["seq"]) };
    },
    async resume(handle, signal) {
      await callOrFreeze(handle, { method: "resume", params: {} }, signal);
    },
    probe: async (handle, signal) => probeInstance(requiredInstance(layout, handle), signal),
    async reconnect(handle, settings, signal) {
      const woken = wakeShim(requiredInstance(layout, handle));
      await configure(handle, settings, signal);
      return woken ? "its shim was stopped, goes on and answers" : "its shim answers";
    },
    async revive(handle, { again }, signal) {
      const done = await call(handle, { method: "revive", params: { again } }, signal);
      return isRecord(done) && typeof done["how"] === "string" ? done["how"] : "it was asked to go on";
    },
  };
}

/** As `specs/shim-control-v1.md` spells them. The shim of an older program knows no address but the one that it has. */
function settingsOf(
  { callbackUrl, heartbeatIntervalMs, limits }: ShimSettings,
  callback: Intent["callback"],
): object {
  return {
    ...(callback === undefined ? {} : { callback_url: callbackUrl }),
    heartbeat_interval_ms: heartbeatIntervalMs,
    ...(limits === undefined ? {} : { limits: limitsOnWire(limits) }),
  };
}
