import type { CloneState } from "../../core/model/clone-state.ts";
import type { Effect } from "../../core/model/effect.ts";
import type { CloneEvent } from "../../core/model/event.ts";
import type { Signal } from "../../core/model/instance.ts";
import { DEFAULT_LADDER, type Driver, type StopLadder } from "../../ports/driver.ts";
import type { Log } from "../../ports/log.ts";
import type { Handles } from "./handles.ts";
import { refusedReports, undelivered } from "./reports.ts";
import type { Tracer } from "./trace.ts";

type Stop = Extract<Effect, { type: "stop" }>;

export interface StopParts {
  readonly handles: Handles;
  readonly tracer: Tracer;
  readonly log: Log;
  /** The newest heartbeats: what an instance that could not say a last word had measured. */
  readonly signals?: ReadonlyMap<string, Signal>;
}

/** Rungs that have no time to lose keep their graces short. */
const NOW_LADDER = { ...DEFAULT_LADDER, stdinGraceMs: 0, termGraceMs: 0 };
/** It had its chance when it was paused, and does harm while it tidies up. */
const RUNAWAY_LADDER = { ...DEFAULT_LADDER, termGraceMs: 1_000 };
/** Dead instances per clone whose transcripts are kept to be looked at. */
const EPOCHS_KEPT = 5;

/** Fence first: whatever comes up late cannot. Then the end, the proof, and what its outbox still holds. */
export async function stop(
  effect: Stop,
  state: CloneState,
  parts: StopParts,
  signal: AbortSignal,
): Promise<CloneEvent[]> {
  const { handles, tracer, log } = parts;
  const driver = handles.driverOf(state);
  await driver.fence(state.name, effect.epoch, signal);
  const handle = await handles.handleOf(state, effect.epoch, signal);
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
  if (effect.trace !== undefined) await tracer.before({ state, driver, handle, cause: effect.trace }, signal);
  const proof = await driver.stop(handle, ladderFor(effect), signal);
  const rest = [
    ...(await undelivered(driver, handle, state, signal)),
    ...(await refusedReports(driver, handle, state, { signal, log })),
  ];
  await forgetOld(driver, { clone: state.name, epoch: effect.epoch }, parts, signal);
  const last = parts.signals?.get(state.name)?.heartbeat;
  const active = last?.epoch === effect.epoch ? { activeMs: Math.round(last.usage.activeMs) } : {};
  return [...rest, { type: "stop.finished", epoch: effect.epoch, proof, ...active }];
}

/** What is left of earlier epochs is forgotten but for the newest few, or listings would grow with every restart. */
async function forgetOld(
  driver: Driver,
  { clone, epoch }: { readonly clone: string; readonly epoch: number },
  { log }: StopParts,
  signal: AbortSignal,
): Promise<void> {
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
    log.warn("old instances could not be forgotten", { clone, error: String(error) });
  }
}

function ladderFor({ enter, trace }: Stop): StopLadder {
  if (enter === "now") return { ...NOW_LADDER, enter };
  return { ...(trace === "runaway" ? RUNAWAY_LADDER : DEFAULT_LADDER), enter };
}
