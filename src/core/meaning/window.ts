/** Autonomy windows as people read them, and which of two lets a mission work at more times. */
import { createCalendar } from "../model/calendar.ts";
import type { AutonomyWindow } from "../model/mission.ts";
import { DAY_MS, type Instant, iso, MINUTE_MS } from "../model/time.ts";
import type { Direction } from "./direction.ts";

/** How far two recurring windows are compared: more than a year, so that every season and every clock change is in it. */
const COMPARED_MS = 400 * DAY_MS;
/** Openings of one window that are looked at. One that opens oftener is compared for as long as these last. */
const OPENINGS_MAX = 2_000;
/** A comparison that saw less than a whole week has not seen every weekday. */
const COMPARED_MS_MIN = 8 * DAY_MS;
/** Where a comparison of recurring windows begins: any moment will do, as long as it is always the same. */
const COMPARED_FROM: Instant = Date.UTC(2026, 0, 5);

export function windowText(window: AutonomyWindow | null): string {
  if (window === null) return "always";
  if (window.type === "recurring")
    return `${lasting(window.durationMinutes)} from each "${window.cron}", ${window.timezone}`;
  const { startAt, endAt } = window;
  if (startAt === null) return endAt === null ? "always" : `until ${stamp(endAt)}`;
  return endAt === null ? `from ${stamp(startAt)}` : `${stamp(startAt)} to ${stamp(endAt)}`;
}

/** By containment: loosened where every moment of the one before is in the other as well, and some more. */
export function compareWindows(before: AutonomyWindow | null, after: AutonomyWindow | null): Direction {
  const [from, to] = [normalized(before), normalized(after)];
  if (to === null) return from === null ? "changed" : "loosened";
  if (from === null) return "tightened";
  const [wider, narrower] = [holds(to, from), holds(from, to)];
  if (wider === narrower) return "changed";
  return wider ? "loosened" : "tightened";
}

function normalized(window: AutonomyWindow | null): AutonomyWindow | null {
  return window?.type === "fixed" && window.startAt === null && window.endAt === null ? null : window;
}

/** Whether every moment of `inner` is one of `outer`; false where that cannot be said. */
function holds(outer: AutonomyWindow, inner: AutonomyWindow): boolean {
  if (outer.type === "fixed") {
    const [start, end] = [outer.startAt ?? -Infinity, outer.endAt ?? Infinity];
    // A recurring window has no beginning and no end.
    if (inner.type === "recurring") return false;
    return start <= (inner.startAt ?? -Infinity) && (inner.endAt ?? Infinity) <= end;
  }
  if (inner.type === "recurring") return recurringHolds(outer, inner);
  const { startAt, endAt } = inner;
  if (startAt === null || endAt === null || endAt - startAt > COMPARED_MS) return false;
  const opened = openings(outer, startAt, endAt);
  return opened.until >= endAt && covers(opened.spans, [{ from: startAt, to: endAt }]);
}

type Recurring = Extract<AutonomyWindow, { type: "recurring" }>;

function recurringHolds(outer: Recurring, inner: Recurring): boolean {
  if (outer.cron === inner.cron && outer.timezone === inner.timezone)
    return outer.durationMinutes >= inner.durationMinutes;
  const until = COMPARED_FROM + COMPARED_MS;
  const [wide, narrow] = [openings(outer, COMPARED_FROM, until), openings(inner, COMPARED_FROM, until)];
  const compared = Math.min(wide.until, narrow.until);
  if (compared - COMPARED_FROM < COMPARED_MS_MIN) return false;
  return covers(
    wide.spans,
    narrow.spans.filter(({ to }) => to <= compared),
  );
}

interface Span {
  readonly from: Instant;
  readonly to: Instant;
}

/** When a window is open between two moments, spans that touch joined into one; `until`: how far that is known. */
function openings(
  window: Recurring,
  from: Instant,
  until: Instant,
): { readonly spans: readonly Span[]; readonly until: Instant } {
  const calendar = createCalendar();
  const lastsMs = window.durationMinutes * MINUTE_MS;
  const spans: Span[] = [];
  // What opened before and is still open counts.
  let next = calendar.roundsAt(window, from - lastsMs).next;
  for (let opened = 0; next !== null && next < until; opened += 1) {
    if (opened === OPENINGS_MAX) return { spans, until: next };
    const last = spans.at(-1);
    const span = { from: next, to: next + lastsMs };
    if (last !== undefined && span.from <= last.to)
      spans[spans.length - 1] = { from: last.from, to: span.to };
    else spans.push(span);
    next = calendar.roundsAt(window, next).next;
  }
  return { spans, until };
}

/** Both in order and without overlaps. */
function covers(outer: readonly Span[], inner: readonly Span[]): boolean {
  let at = 0;
  for (const { from, to } of inner) {
    while (at < outer.length && (outer[at]?.to ?? 0) < to) at += 1;
    const span = outer[at];
    if (span === undefined || span.from > from) return false;
  }
  return true;
}

function lasting(minutes: number): string {
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${minutes} min`;
}

function stamp(at: Instant): string {
  return at % MINUTE_MS === 0 ? `${iso(at).slice(0, 16)}Z` : iso(at);
}
