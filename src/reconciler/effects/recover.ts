import { heartbeatMs } from "../../core/clone/health/liveness.ts";
import type { CloneState } from "../../core/model/clone-state.ts";
import type { Effect } from "../../core/model/effect.ts";
import type { CloneEvent } from "../../core/model/event.ts";
import type { CallbackUrl } from "./effect.ts";
import type { Handles } from "./handles.ts";
import { limitsFor } from "./limits-for.ts";
import { readThrough, undelivered } from "./reports.ts";

type Attempt = Extract<Effect, { type: "probe" | "reconnect" | "revive" }>;

/** One attempt to bring a degraded instance back; also a failed one is an outcome, and the core decides what comes next. */
export async function recover(
  effect: Attempt,
  state: CloneState,
  { handles, callbackUrl }: { readonly handles: Handles; readonly callbackUrl: CallbackUrl },
  signal: AbortSignal,
): Promise<CloneEvent[]> {
  const { epoch } = effect;
  const driver = handles.driverOf(state);
  const handle = await handles.knownHandle(state, epoch, signal);
  if (effect.type === "probe") {
    const found = await driver.probe(handle, signal);
    return [{ type: "recovery.tried", epoch, rung: "probe", ok: true, found, evidence: found.evidence }];
  }
  if (effect.type === "revive") {
    const evidence = await driver.revive(handle, { again: effect.again }, signal);
    return [{ type: "recovery.tried", epoch, rung: "resume", ok: true, found: null, evidence }];
  }
  const heartbeatIntervalMs = heartbeatMs(state);
  const settings = { callbackUrl: callbackUrl(driver), heartbeatIntervalMs, ...limitsFor(state) };
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
