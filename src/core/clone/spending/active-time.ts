/** How long a mission's agents have worked: measured by their shims, on clocks that nobody sets. */

import type { CloneState, InstanceState, MissionState } from "../../model/clone-state.ts";
import type { Signal } from "../../model/instance.ts";
import type { Instant } from "../../model/time.ts";

/** Between two heartbeats its agent is taken to go on; when two are missing nobody knows, and the silence is looked into. */
const UNHEARD_INTERVALS_MAX = 2;

/**
 * Active time of the mission until now. What its shim measured counts, so that neither a clock of ours that
 * was set nor an absence of ours is held against it. Only before anything was measured is it the
 * difference between two looks at our own clock.
 */
export function activeMsOf(state: CloneState, signal: Signal | undefined, now: Instant): number {
  const { mission, instance } = state;
  if (mission === null) return 0;
  if (instance === null || instance.activeMs === null) return byOurClock(mission, now);
  const own = signal !== undefined && signal.heartbeat.epoch === instance.epoch ? signal : null;
  const unheardMs =
    own === null || mission.activeSince === null || own.heartbeat.phase !== "running"
      ? 0
      : Math.min(Math.max(0, now - own.receivedAt), UNHEARD_INTERVALS_MAX * instance.heartbeatIntervalMs);
  // A report, or an answer to a look at it, that came after the heartbeat has counted what passed between them.
  const beaten = own === null ? 0 : (own.heartbeat.usage.activeMs ?? 0) + unheardMs;
  return Math.max(mission.activeMs, instance.activeBaseMs + Math.max(instance.activeMs, beaten));
}

/** Takes what its shim has measured so far; it only rises. */
export function withActive(state: CloneState, activeMs: number | undefined, at: Instant): CloneState {
  const { instance, mission } = state;
  if (instance === null || mission === null || activeMs === undefined) return state;
  const known = Math.max(instance.activeMs ?? 0, activeMs);
  // At its first word: what was counted before it began.
  const activeBaseMs =
    instance.activeMs === null ? Math.max(0, byOurClock(mission, at) - activeMs) : instance.activeBaseMs;
  return { ...state, instance: { ...instance, activeMs: known, activeBaseMs } };
}

/** Closes the stretch of active time that is open, if one is, and takes up what was measured. */
export function stopMeter(state: CloneState, at: Instant): CloneState {
  const { mission, instance } = state;
  if (mission === null) return state;
  const activeMs = total(mission, instance, at);
  if (mission.activeSince === null && activeMs === mission.activeMs) return state;
  return { ...state, mission: { ...mission, activeMs, activeSince: null } };
}

function total(mission: MissionState, instance: InstanceState | null, at: Instant): number {
  if (instance === null || instance.activeMs === null) return byOurClock(mission, at);
  return Math.max(mission.activeMs, instance.activeBaseMs + instance.activeMs);
}

function byOurClock(mission: MissionState, now: Instant): number {
  return mission.activeMs + (mission.activeSince === null ? 0 : Math.max(0, now - mission.activeSince));
}
