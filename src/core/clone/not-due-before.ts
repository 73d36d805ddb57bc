import { partOf, partsOf } from "../model/budget-rule.ts";
import type { Calendar } from "../model/calendar.ts";
import type { CloneState, MissionState } from "../model/clone-state.ts";
import type { Signal } from "../model/instance.ts";
import { type Instant, MINUTE_MS } from "../model/time.ts";
import { suspectAfterMs, type Watch } from "./health/liveness.ts";
import { isOpen } from "./health/recovery-ladder.ts";
import { activeMsOf } from "./spending/active-time.ts";
import { limitsInForce } from "./spending/raise.ts";
import { windowAt } from "./start/window.ts";

/**
 * Until when `due` need not be asked again about a clone of which nothing is due now: for the same state, the same
 * signal, the same `watchingSince`, without a probe and without caps for the day, it has no answer from `now` until
 * then, however late our loop may be. A moment that is too early costs one question; one that is too late would
 * be a deadline that is missed, so everything but an instance that works undisturbed is asked about each time (`now`).
 */
export function notDueBefore(
  state: CloneState,
  signal: Signal | undefined,
  now: Instant,
  { watchingSince, calendar }: Pick<Watch, "watchingSince"> & { readonly calendar?: Calendar },
): Instant {
  const { mission, instance } = state;
  if (mission === null || instance === null || signal === undefined || !worksUndisturbed(state, now))
    return now;
  const { heartbeat, receivedAt } = signal;
  // What was heard before an absence of ours counts otherwise, and so does what lies ahead of a clock that was put back.
  if (heartbeat.epoch !== instance.epoch || receivedAt < watchingSince || receivedAt > now) return now;
  // What it still has to tell may end it.
  if (heartbeat.phase !== "running" || heartbeat.lastEventSeq > instance.lastSeq) return now;
  const from = Math.max(receivedAt, instance.readyAt ?? 0, instance.cadenceSince);
  return Math.min(
    from + suspectAfterMs(instance.heartbeatIntervalMs),
    windowChangesAt(mission, now, calendar),
    runtimeCrossesAt(state, { mission, signal, now }),
  );
}

/** It runs, is healthy, and nothing is asked, held or under way. */
function worksUndisturbed(state: CloneState, now: Instant): boolean {
  const { instance, mission, holds, requests, recovery, drift, deadlineAt, phase } = state;
  if (instance === null || mission === null || mission.terminal !== null) return false;
  if (phase !== "Running" || deadlineAt !== null || drift !== null || isOpen(recovery)) return false;
  if (holds.length > 0 || requests.length > 0 || mission.blockers.length > 0) return false;
  const { stopping, handle, readyAt, cadenceSince, health, grace, pauseAskedAt, gapAt, callback } = instance;
  if (stopping !== null || handle === null || readyAt === null || health !== "healthy") return false;
  if (readyAt > now || cadenceSince > now) return false;
  return grace === null && pauseAskedAt === null && gapAt === null && callback.downSince === null;
}

function windowChangesAt({ limits }: MissionState, now: Instant, calendar: Calendar | undefined): Instant {
  const { autonomy_window: declared } = limits;
  if (declared === null) return Number.POSITIVE_INFINITY;
  const { open, changesAt } = windowAt(declared, now, calendar);
  return open ? (changesAt ?? Number.POSITIVE_INFINITY) : now;
}

/** Active time passes no faster than time does. */
function runtimeCrossesAt(
  state: CloneState,
  {
    mission,
    signal,
    now,
  }: { readonly mission: MissionState; readonly signal: Signal; readonly now: Instant },
): Instant {
  const limits = limitsInForce(mission);
  const minutes = limits.budget.max_runtime_minutes;
  if (minutes === null) return Number.POSITIVE_INFINITY;
  const activeMs = activeMsOf(state, signal, now);
  const part = partOf(activeMs / MINUTE_MS, minutes);
  const ahead = Object.values(partsOf(limits.budget_thresholds)).filter((level) => level > part);
  return now + Math.floor(Math.min(...ahead) * minutes * MINUTE_MS - activeMs) - 1;
}
