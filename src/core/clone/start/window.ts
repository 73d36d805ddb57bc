import { Cron } from "croner";
import type { AutonomyWindow } from "../../model/mission.ts";
import { type Instant, MINUTE_MS } from "../../model/time.ts";

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
  return remembered(scheduleOf(window), now);
}

/** The expression, read once, and its last answer with the span in which it stays the same. */
interface Schedule {
  readonly cron: Cron;
  readonly durationMs: number;
  answer: WindowState | null;
  from: Instant;
  until: Instant;
}

/**
 * Reading an expression and walking a calendar cost a thousand times what the rest of a
 * tick does, and every clone is asked at every tick. An answer depends on the window and the instant alone,
 * so remembering it changes nothing but the cost.
 */
const SCHEDULES = new Map<string, Schedule>();
/** More different windows than a fleet has; beyond, the oldest is read again. */
const SCHEDULES_MAX = 1_024;

function scheduleOf(window: AutonomyWindow & { readonly type: "recurring" }): Schedule {
  const key = `${window.timezone} ${window.durationMinutes} ${window.cron}`;
  let schedule = SCHEDULES.get(key);
  if (schedule === undefined) {
    schedule = {
      cron: new Cron(window.cron, { timezone: window.timezone, paused: true }),
      durationMs: window.durationMinutes * MINUTE_MS,
      answer: null,
      from: 0,
      until: 0,
    };
    for (const oldest of SCHEDULES.keys()) {
      if (SCHEDULES.size < SCHEDULES_MAX) break;
      SCHEDULES.delete(oldest);
    }
    SCHEDULES.set(key, schedule);
  }
  return schedule;
}

function remembered(schedule: Schedule, now: Instant): WindowState {
  if (schedule.answer !== null && schedule.from <= now && now < schedule.until) return schedule.answer;
  const { answer, from, until } = answerAt(schedule, now);
  Object.assign(schedule, { answer, from, until });
  return answer;
}

/** With the span from `from` up to but without `until` in which the answer is the same. */
function answerAt(
  { cron, durationMs }: Schedule,
  now: Instant,
): { readonly answer: WindowState; readonly from: Instant; readonly until: Instant } {
  // The run at `now` itself counts as an opening, so look for the first one after (now − duration).
  const opening = cron.nextRuns(OPENINGS_LOOKED_AT_MAX, new Date(now - durationMs))[0]?.getTime();
  if (opening === undefined)
    return { answer: { open: false, changesAt: null, ended: true }, from: now, until: Infinity };
  if (opening > now)
    return { answer: { open: false, changesAt: opening, ended: false }, from: now, until: opening };
  const { latest, next } = latestOpening(cron, opening, now);
  const closes = latest + durationMs;
  const answer = { open: true, changesAt: closes, ended: false };
  // Where not every overlap was looked at, the answer holds for this instant alone.
  if (next !== null && next <= now) return { answer, from: now, until: now };
  return { answer, from: latest, until: Math.min(closes, next ?? closes) };
}

/** Spans may overlap: the window stays open until the last one that has begun is over. `next` is the opening after it. */
function latestOpening(
  cron: Cron,
  first: Instant,
  now: Instant,
): { readonly latest: Instant; readonly next: Instant | null } {
  let latest = first;
  let next = cron.nextRun(new Date(latest))?.getTime() ?? null;
  for (let step = 0; step < OVERLAPS_MAX && next !== null && next <= now; step++) {
    latest = next;
    next = cron.nextRun(new Date(latest))?.getTime() ?? null;
  }
  return { latest, next };
}

/** A minute's cron with a day's duration overlaps this often; beyond, the window is open anyway. */
const OVERLAPS_MAX = 1_440;
