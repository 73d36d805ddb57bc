/**
 * When a delivery that failed is tried again, and what an answer means. One
 * schedule for both sides: the shims' events and the controller's notices.
 */
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../model/time.ts";

/** Ceilings of the waits after the first, second, … failure; the last one repeats (design section 8). */
const WAITS_MS = [
  5 * SECOND_MS,
  30 * SECOND_MS,
  2 * MINUTE_MS,
  10 * MINUTE_MS,
  30 * MINUTE_MS,
  HOUR_MS,
] as const;

/** No wait is longer, also none that a receiver asks for. */
export const WAIT_MAX_MS = HOUR_MS;

/** Full jitter: anywhere between nothing and the ceiling, so that a fleet does not come back all at once. */
export function waitAfterFailure(failures: number, fraction: number): number {
  const ceiling = WAITS_MS[Math.min(failures, WAITS_MS.length) - 1] ?? WAIT_MAX_MS;
  return Math.floor(ceiling * fraction);
}

/** `Retry-After` in milliseconds, from seconds or an HTTP date; null when it is neither. Never longer than an hour. */
export function retryAfter(header: string | undefined, nowMs: number): number | null {
  if (header === undefined || header.trim() === "") return null;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * SECOND_MS : Date.parse(header) - nowMs;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), WAIT_MAX_MS) : null;
}

/**
 * What the status of an HTTP answer means for what was sent.
 *
 * - `done`: it was taken.
 * - `retry`: not now; network trouble (status 0) counts as this.
 * - `gone`: the receiver wants nothing more from us. A shim hears by it that its epoch is fenced.
 * - `refused`: it will never be taken, so it is set aside.
 */
export type StatusMeaning = "done" | "retry" | "gone" | "refused";

export function meaningOf(status: number): StatusMeaning {
  if (status >= 200 && status < 300) return "done";
  if (status === 410) return "gone";
  if (status === 408 || status === 425 || status === 429 || status >= 500 || status < 200) return "retry";
  return "refused";
}
