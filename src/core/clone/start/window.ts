import { type Calendar, createCalendar } from "../../model/calendar.ts";
import type { AutonomyWindow } from "../../model/mission.ts";
import { type Instant, MINUTE_MS } from "../../model/time.ts";

export interface WindowState {
  readonly open: boolean;
  /** When that changes, if it ever does. */
  readonly changesAt: Instant | null;
  /** It will not open again. */
  readonly ended: boolean;
}

/**
 * Whether a window is open at an instant. A question, not a timer: asked twice
 * for the same instant it answers the same, also across daylight saving,
 * where the cron expression is read in the window's own time zone.
 */
export function windowAt(
  window: AutonomyWindow,
  now: Instant,
  calendar: Calendar = createCalendar(),
): WindowState {
  if (window.type === "recurring") return recurringAt(window, now, calendar);
  if (window.startAt !== null && now < window.startAt)
    return { open: false, changesAt: window.startAt, ended: false };
  if (window.endAt !== null && now >= window.endAt) return { open: false, changesAt: null, ended: true };
  return { open: true, changesAt: window.endAt, ended: false };
}

/** Spans may overlap: it stays open until the last one that has begun is over. */
function recurringAt(
  window: AutonomyWindow & { readonly type: "recurring" },
  now: Instant,
  calendar: Calendar,
): WindowState {
  const { last, next } = calendar.roundsAt(window, now);
  const closes = last === null ? now : last + window.durationMinutes * MINUTE_MS;
  if (now < closes) return { open: true, changesAt: closes, ended: false };
  return { open: false, changesAt: next, ended: next === null };
}
