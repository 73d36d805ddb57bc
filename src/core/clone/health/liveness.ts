import type { CloneState, InstanceState } from "../../model/clone-state.ts";
import type { Health } from "../../model/event.ts";
import type { Signal } from "../../model/instance.ts";
import type { DegradedCause, Probed } from "../../model/liveness.ts";
import { HOUR_MS, type Instant, SECOND_MS } from "../../model/time.ts";
import { AMNESTY_MIN_MS, DEFAULT_HEARTBEAT_MS, pastOf } from "../limits.ts";

export interface Watch {
  /** When this controller began to watch, or last came back from an absence: nobody is late for what we could not hear. */
  readonly watchingSince: Instant;
  /** How late our own loop is; added to every deadline. */
  readonly lagMs: number;
  /** What the last look at a suspect's processes found. */
  readonly probe?: SeenProbe | undefined;
}

export interface SeenProbe {
  readonly epoch: number;
  readonly at: Instant;
  readonly found: Probed;
}

export interface Liveness {
  readonly health: Health;
  readonly evidence: string;
  /** When it is worth asking again, if nothing is heard. */
  readonly changesAt: Instant | null;
  /** Why, where it is degraded or lost. */
  readonly cause: DegradedCause;
  /** For how long it has been so, as far as that can be told. */
  readonly sinceMs: number;
}

/** Part of an interval by which a heartbeat may jitter. */
const JITTER = 0.25;
/** Beyond one whole missed interval: a pause for garbage collection, a slow network. */
const GRACE_MIN_MS = 1 * SECOND_MS;
const GRACE_MAX_MS = 10 * SECOND_MS;
/** Whole intervals between degraded and lost, in which a late heartbeat still saves the instance. */
const LOST_AFTER_INTERVALS = 2;
/** A suspect is looked at this often, in parts of its interval. */
export const SUSPECT_PROBE_PART = 0.25;
/** No declared deadline of a tool call, and no rate limit, buys more silence than this. */
export const FROZEN_MS_MAX = 1 * HOUR_MS;

/**
 * What is known of an instance's health (design section 6), from two clocks.
 *
 * The clock of the protocol: suspect after one interval and its jitter, degraded after one whole missed
 * interval and its grace, lost two intervals later unless its shim answered a probe. An open tool call
 * with a declared deadline, and a rate limit, stop it until then; the suspicion stays, so its processes are looked at.
 *
 * The clock of the process: a shim or an agent that is stopped although nobody asked for it is degraded at
 * once, however well it beats. Only *lost* and the end of the ladder lead to a stop, and only the stop's
 * proof to a replacement.
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
  const own = signal !== undefined && signal.heartbeat.epoch === instance.epoch ? signal : null;
  const past = (at: Instant): Instant => pastOf(at, now, watch.watchingSince);
  const heard = own === null ? null : past(own.receivedAt);
  const from = Math.max(heard ?? 0, past(instance.readyAt), past(instance.cadenceSince));
  const silentMs = Math.max(0, now - from - watch.lagMs);
  const suspectMs = suspectAfterMs(intervalMs);
  const degradedMs = degradedAfterMs(intervalMs);
  const lostMs = degradedMs + LOST_AFTER_INTERVALS * intervalMs;
  const wrong = processTrouble(instance, { signal: own, from, watch });
  if (wrong !== null) return { health: "degraded", changesAt: null, ...wrong };
  const fine = { cause: "silent", sinceMs: silentMs, changesAt: from + suspectMs } as const;
  if (silentMs < suspectMs) {
    if (heard === null) return { health: "starting", evidence: "no heartbeat yet", ...fine };
    return { health: "healthy", evidence: "heartbeats arrive in time", ...fine };
  }
  const evidence = `silent for ${(silentMs / SECOND_MS).toFixed(1)} s of an interval of ${intervalMs / SECOND_MS} s`;
  const amnestyUntil = watch.watchingSince + Math.max(2 * intervalMs, AMNESTY_MIN_MS);
  if (from < watch.watchingSince && now < amnestyUntil)
    return { ...fine, health: instance.health, evidence: instance.healthEvidence, changesAt: amnestyUntil };
  const frozenMs = own === null ? 0 : frozenFor(own);
  const stillMs = Math.max(0, silentMs - frozenMs);
  const because = frozenMs === 0 ? evidence : `${evidence}, ${FROZEN_TEXT} ${frozenMs / SECOND_MS} s of it`;
  const seen = { evidence: because, cause: "silent", sinceMs: Math.max(0, silentMs - intervalMs) } as const;
  if (stillMs < degradedMs) return { ...seen, health: "suspect", changesAt: from + frozenMs + degradedMs };
  const answeredMs =
    instance.answeredAt === null ? stillMs : Math.max(0, now - past(instance.answeredAt) - watch.lagMs);
  if (Math.min(stillMs, answeredMs) < lostMs)
    return { ...seen, health: "degraded", changesAt: now + lostMs - Math.min(stillMs, answeredMs) };
  return { ...seen, health: "lost", changesAt: null };
}

const FROZEN_TEXT = "a declared deadline excuses";

/** From the last heartbeat to *suspect*: one interval and its jitter. */
export function suspectAfterMs(intervalMs: number): number {
  return intervalMs * (1 + JITTER);
}

/** From the last heartbeat to *degraded*: one whole missed interval, and its grace. */
export function degradedAfterMs(intervalMs: number): number {
  return 2 * intervalMs + graceMs(intervalMs);
}

/** The cadence that is asked for; the shim may still keep an older one. */
export function heartbeatMs(state: CloneState): number {
  const seconds = state.mission?.limits.heartbeat_interval_seconds;
  return seconds === undefined ? DEFAULT_HEARTBEAT_MS : seconds * SECOND_MS;
}

export function graceMs(intervalMs: number): number {
  return Math.min(Math.max(intervalMs / 2, GRACE_MIN_MS), GRACE_MAX_MS);
}

/** What the operating system says is wrong: by the newest heartbeat of the agent, by the newest look of the shim. */
function processTrouble(
  instance: InstanceState,
  { signal, from, watch }: { signal: Signal | null; from: Instant; watch: Watch },
): Pick<Liveness, "evidence" | "cause" | "sinceMs"> | null {
  const { probe } = watch;
  if (probe !== undefined && probe.epoch === instance.epoch && probe.at >= from) {
    if (probe.found.shim === "stopped")
      return { evidence: probe.found.evidence, cause: "shim_stopped", sinceMs: Math.max(0, probe.at - from) };
  }
  if (signal === null || signal.receivedAt < watch.watchingSince) return null;
  const { phase, process } = signal.heartbeat;
  if (process == null || (phase !== "running" && phase !== "starting")) return null;
  const who = `its agent (pid ${process.pid ?? "unknown"})`;
  const { sinceMs } = process;
  const ours =
    instance.paused || instance.pauseAsked !== false || signal.receivedAt <= (instance.resumedAt ?? 0);
  if (process.state === "stopped" && !ours)
    return { evidence: `${who} is stopped although it was not paused`, cause: "agent_stopped", sinceMs };
  // At first sight its end may be on its way to us.
  if ((process.state === "zombie" || process.state === "gone") && sinceMs >= instance.heartbeatIntervalMs)
    return {
      evidence: `${who} is ${process.state} and its end was not reported`,
      cause: "agent_gone",
      sinceMs,
    };
  return null;
}

/** For how long after this heartbeat the agent had announced that nothing would be heard of it. */
function frozenFor({ heartbeat }: Signal): number {
  const left = heartbeat.openToolCalls.map(({ ageMs, deadlineMs }) =>
    deadlineMs === null ? 0 : deadlineMs - ageMs,
  );
  return Math.min(FROZEN_MS_MAX, Math.max(0, heartbeat.throttledMs ?? 0, ...left));
}
