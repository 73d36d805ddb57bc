import { describe } from "../clone/events.ts";
import type { CloneEvent } from "../model/event.ts";
import { type Instant, iso } from "../model/time.ts";
import { TIMELINE_LINES_MAX } from "../model/trace.ts";

const LINE_CHARS_MAX = 200;
/** Of a long story the beginning is kept as well. */
const FIRST_LINES = 10;

/** The journal of a mission as a few lines for people: how it began and, above all, how it ended. */
export function timelineOf(
  events: readonly { readonly at: Instant; readonly event: CloneEvent }[],
): readonly string[] {
  const told = events.filter(({ event }) => !isNoise(event));
  const lines = told.map(({ at, event }) => `${iso(at)} ${describe(event)}`.slice(0, LINE_CHARS_MAX));
  if (lines.length <= TIMELINE_LINES_MAX) return lines;
  const last = TIMELINE_LINES_MAX - FIRST_LINES - 1;
  const left = lines.length - FIRST_LINES - last;
  return [
    ...lines.slice(0, FIRST_LINES),
    `… ${left} more, in the journal of the bundle`,
    ...lines.slice(-last),
  ];
}

function isNoise(event: CloneEvent): boolean {
  return (
    event.type === "instance.configured" ||
    event.type === "request.reminded" ||
    (event.type === "instance.reported" && event.report.type === "mission.progress")
  );
}
