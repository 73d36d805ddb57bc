/**
 * When a window is open, read from its five fields minute by minute, apart from the reader of cron expressions that the
 * program uses. Knows numbers, stars and steps, which is all that simulated people write.
 */
import type { AutonomyWindow } from "../../../src/core/model/mission.ts";
import { HOUR_MS, type Instant, MINUTE_MS } from "../../../src/core/model/time.ts";

/** `unclear`: near a change of the clocks, where a local time comes twice or not at all, or near an edge. */
export type Openness = "open" | "closed" | "over" | "unclear";

/** Two readers of one clock may be this far apart. */
const EDGE_MS = 2 * MINUTE_MS;
/** Around a change of the clocks the hour before and after it may mean either. */
const CHANGE_MS = 3 * HOUR_MS;

export function opennessAt(window: AutonomyWindow | null, now: Instant): Openness {
  const [before, at, after] = [now - EDGE_MS, now, now + EDGE_MS].map((instant) => plainly(window, instant));
  return before === at && at === after && at !== undefined ? at : "unclear";
}

function plainly(window: AutonomyWindow | null, now: Instant): Openness {
  if (window === null) return "open";
  if (window.type === "fixed") {
    if (window.startAt !== null && now < window.startAt) return "closed";
    return window.endAt !== null && now >= window.endAt ? "over" : "open";
  }
  const { cron, durationMinutes, timezone } = window;
  const durationMs = durationMinutes * MINUTE_MS;
  if (offsetMs(timezone, now - durationMs - CHANGE_MS) !== offsetMs(timezone, now + CHANGE_MS))
    return "unclear";
  const local = now + offsetMs(timezone, now);
  const minute = Math.floor(local / MINUTE_MS) * MINUTE_MS;
  for (let opens = minute; opens > local - durationMs; opens -= MINUTE_MS)
    if (matches(cron, new Date(opens))) return "open";
  return "closed";
}

/** The minute is one of a wall clock, kept as if it were UTC. */
function matches(cron: string, wall: Date): boolean {
  const at = [
    wall.getUTCMinutes(),
    wall.getUTCHours(),
    wall.getUTCDate(),
    wall.getUTCMonth() + 1,
    wall.getUTCDay(),
  ];
  return cron.split(" ").every((field, index) => {
    const value = at[index] ?? 0;
    const [base, step] = field.split("/");
    if (step !== undefined) return value % Number(step) === 0;
    return base === "*" || base?.split(",").map(Number).includes(value) === true;
  });
}

const ZONES = new Map<string, Intl.DateTimeFormat>();
/** Clocks change at whole quarters of an hour. */
const OFFSETS = new Map<string, number>();
const OFFSETS_MAX = 10_000;

/** How far a zone's wall clock is before UTC. */
export function offsetMs(timezone: string, now: Instant): number {
  const quarter = Math.floor(now / (HOUR_MS / 4));
  const key = `${timezone} ${quarter}`;
  const known = OFFSETS.get(key);
  if (known !== undefined) return known;
  const zone =
    ZONES.get(timezone) ??
    new Intl.DateTimeFormat("en-GB", { timeZone: timezone, dateStyle: "short", timeStyle: "medium" });
  ZONES.set(timezone, zone);
  const [date = "", time = ""] = zone.format(now).split(", ");
  const [day = 0, month = 1, year = 0] = date.split("/").map(Number);
  const [hour = 0, minute = 0, second = 0] = time.split(":").map(Number);
  const wall = Date.UTC(year, month - 1, day, hour, minute, second);
  const offset = wall - Math.floor(now / 1_000) * 1_000;
  if (OFFSETS.size >= OFFSETS_MAX) OFFSETS.clear();
  OFFSETS.set(key, offset);
  return offset;
}

/** The date on the wall. */
export function dateIn(timezone: string, now: Instant): string {
  return new Date(now + offsetMs(timezone, now)).toISOString().slice(0, 10);
}
