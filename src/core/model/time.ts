/** A point in time: milliseconds since the Unix epoch, read from the clock port and nowhere else. */
export type Instant = number;

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** RFC 3339 in UTC, as people and the wire see an instant. */
export function iso(at: Instant): string {
  return new Date(at).toISOString();
}
