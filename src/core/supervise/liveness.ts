import type { Health } from "../model/event.ts";
import type { Signal } from "../model/instance.ts";
import { type Instant, SECOND_MS } from "../model/time.ts";
import { AMNESTY_MIN_MS, DEFAULT_HEARTBEAT_MS } from "./limits.ts";
import type { CloneState } from "./state.ts";

export interface Watch {
  /** When this controller began to watch: nobody is late for what we could not hear. */
  readonly watchingSince: Instant;
  /** How late our own loop is; added to every deadline. */
  readonly lagMs: number;
}

export interface Liveness {
  readonly health: Health;
  readonly evidence: string;
  /** When it is worth asking again, if nothing is heard. */
  readonly changesAt: Instant | null;
}

/** Part of an interval by which a heartbeat may jitter. */
const JITTER = 0.25;
/** Beyond one whole missed interval: a pause for garbage collection, a slow network. */
const GRACE_MIN_MS = 1 * SECOND_MS;
const GRACE_MAX_MS = 10 * SECOND_MS;
/** Whole intervals between degraded and lost, in which a late heartbeat still saves the instance. */
const LOST_AFTER_INTERVALS = 2;

/**
 * What the silence of an instance means (design section 6, the clock of the
 * protocol). Suspect after one interval and its jitter, degraded after one
 * whole missed interval and its grace, lost two intervals later. Only *lost*
 * leads to a stop, and only the stop's proof to a replacement.
 */
export function livenessOf(
  state: CloneState,
  signal: Signal | undefined,
  now: Instant,
  watch: Watch,
): Liveness | null {
  const { instance } = state;
  if (instance === null || instance.stopping !== null || instance.readyAt === null) return null;
  const intervalMs = instance.heartbeatIntervalMs;
  const heard = signal !== undefined && signal.heartbeat.epoch === instance.epoch ? signal.receivedAt : null;
  const from = Math.max(heard ?? instance.readyAt, instance.readyAt, instance.cadenceSince);
  const silentMs = Math.max(0, now - from - watch.lagMs);
  const suspectMs = intervalMs * (1 + JITTER);
  const degradedMs = 2 * intervalMs + graceMs(intervalMs);
  const lostMs = degradedMs + LOST_AFTER_INTERVALS * intervalMs;
  const evidence = `silent for ${(silentMs / SECOND_MS).toFixed(1)} s of an interval of ${intervalMs / SECOND_MS} s`;
  if (silentMs < suspectMs) {
    if (heard === null)
      return { health: "starting", evidence: "no heartbeat yet", changesAt: from + suspectMs };
    return { health: "healthy", evidence: "heartbeats arrive in time", changesAt: from + suspectMs };
  }
  const amnestyUntil = watch.watchingSince + Math.max(2 * intervalMs, AMNESTY_MIN_MS);
  if (from < watch.watchingSince && now < amnestyUntil)
    return { health: instance.health, evidence: instance.healthEvidence, changesAt: amnestyUntil };
  if (silentMs < degradedMs) return { health: "suspect", evidence, changesAt: from + degradedMs };
  if (silentMs < lostMs) return { health: "degraded", evidence, changesAt: from + lostMs };
  return { health: "lost", evidence, changesAt: null };
}

/** The cadence that is asked for; the shim may still keep an older one. */
export function heartbeatMs(state: CloneState): number {
  const seconds = state.mission?.limits.heartbeat_interval_seconds;
  return seconds === undefined ? DEFAULT_HEARTBEAT_MS : seconds * SECOND_MS;
}

function graceMs(intervalMs: number): number {
  return Math.min(Math.max(intervalMs / 2, GRACE_MIN_MS), GRACE_MAX_MS);
}
