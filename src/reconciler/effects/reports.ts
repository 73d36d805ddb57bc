/** What an instance has to say, read past its callback. */

import type { WireEvent } from "../../api/event.ts";
import { REFUSED_MAX } from "../../core/model/callback.ts";
import type { CloneState } from "../../core/model/clone-state.ts";
import type { CloneEvent } from "../../core/model/event.ts";
import type { InstanceHandle } from "../../core/model/instance.ts";
import type { Driver } from "../../ports/driver.ts";
import type { Log } from "../../ports/log.ts";
import { toPulledReport } from "../callbacks/reports.ts";

/** Reports of its outbox that we do not have yet, in their order. */
export async function undelivered(
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

/** What its shim has set aside since we last looked. Its reports are not lost, so nothing waits for this. */
export async function refusedReports(
  driver: Driver,
  handle: InstanceHandle,
  { instance, name }: CloneState,
  parts: { readonly signal: AbortSignal; readonly log: Log },
): Promise<CloneEvent[]> {
  if (instance === null || instance.epoch !== handle.epoch) return [];
  try {
    const letters = await driver.deadLetters(handle, parts.signal);
    if (letters.length <= instance.callback.refusedSeen) return [];
    const reports = letters.slice(-REFUSED_MAX);
    return [{ type: "callback.refused", epoch: handle.epoch, reports, seen: letters.length }];
  } catch (error) {
    parts.log.warn("a shim's dead letters could not be read", { clone: name, error: String(error) });
    return [];
  }
}

/**
 * An instance that cannot reach us, or of which nothing is heard, is asked instead: its answer stands for the heartbeat
 * that does not arrive.
 */
export async function answered(
  driver: Driver,
  handle: InstanceHandle,
  { instance }: CloneState,
  signal: AbortSignal,
): Promise<CloneEvent[]> {
  if (instance?.epoch !== handle.epoch) return [];
  const { downSince, pullAt } = instance.callback;
  if (downSince === null && pullAt === null) return [];
  const found = await driver.probe(handle, signal);
  const { epoch } = handle;
  return [
    { type: "recovery.tried", epoch, rung: "probe", ok: found.answers, found, evidence: found.evidence },
  ];
}

/** How far the outbox was read, and how much of it had not come over the callback. */
export function readThrough(
  pulled: readonly CloneEvent[],
  epoch: number,
  { instance }: CloneState,
): CloneEvent {
  const last = pulled.at(-1);
  const throughSeq = last?.type === "instance.reported" ? last.report.seq : (instance?.lastSeq ?? 0);
  return { type: "callback.restored", epoch, throughSeq, brought: pulled.length };
}
