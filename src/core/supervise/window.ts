import { Cron } from "croner";
import type { AutonomyWindow } from "../model/mission.ts";
import { type Instant, MINUTE_MS } from "../model/time.ts";

export interface WindowState {
  readonly open: boolean;
  /** When that changes, if it ever does. */
  readonly changesAt: Instant | null;
  /** It will not open again. */
  readonly ended: boolean;
}

/** How many earlier openings are looked at to find one that is still open; covers overlapping spans. */
const OPENINGS_LOOKED_AT_MAX = 1;

/**
 * Whether a window is open at an instant. A question, not a timer: asked twice
 * for the same instant it answers the same, also across daylight saving,
 * where the cron expression is read in the window's own time zone.
 */
export function windowAt(window: AutonomyWindow, now: Instant): WindowState {
  if (window.type === "fixed") {
    if (window.startAt !== null && now < window.startAt)
      return { open: false, changesAt: window.startAt, ended: false };
    if (window.endAt !== null && now >= window.endAt) return { open: false, changesAt: null, ended: true };
    return { open: true, changesAt: window.endAt, ended: false };
  }
  const cron = new Cron(window.cron, { timezone: window.timezone, paused: true });
  const durationMs = window.durationMinutes * MINUTE_MS;
  // The run at `now` itself counts as an opening, so look for the first one after (now − duration).
  const opening = cron.nextRuns(OPENINGS_LOOKED_AT_MAX, new Date(now - durationMs))[0]?.getTime();
  if (opening !== undefined && opening <= now) {
    const closes = latestOpening(cron, opening, now) + durationMs;
    return { open: true, changesAt: closes, ended: false };
  }
  return { open: false, changesAt: opening ?? null, ended: opening === undefined };
}

/** Spans may overlap: the window stays open until the last one that has begun is over. */
function latestOpening(cron: Cron, first: Instant, now: Instant): Instant {
  let latest = first;
  for (let step = 0; step < OVERLAPS_MAX; step++) {
    const next = cron.nextRun(new Date(latest))?.getTime();
    if (next === undefined || next > now) break;
    latest = next;
  }
  return latest;
}

/** A minute's cron with a day's duration overlaps this often; beyond, the window is open anyway. */
const OVERLAPS_MAX = 1_440;
