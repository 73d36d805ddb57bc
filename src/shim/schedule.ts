/** When a delivery that failed is tried again. */
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../core/model/time.ts";

/** Ceilings of the waits after the first, second, … failure; the last one repeats. */
const WAITS_MS = [
  5 * SECOND_MS,
  30 * SECOND_MS,
  2 * MINUTE_MS,
  10 * MINUTE_MS,
  30 * MINUTE_MS,
  HOUR_MS,
] as const;

/** Full jitter: anywhere between nothing and the ceiling, so that a fleet does not come back all at once. */
export function waitAfterFailure(failures: number, fraction: number): number {
  const ceiling = WAITS_MS[Math.min(failures, WAITS_MS.length) - 1] ?? HOUR_MS;
  return Math.floor(ceiling * fraction);
}

/** `Retry-After` in milliseconds, from seconds or an HTTP date; null when it is neither. Never longer than an hour. */
export function retryAfter(header: string | undefined, nowMs: number): number | null {
  if (header === undefined) return null;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * SECOND_MS : Date.parse(header) - nowMs;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), HOUR_MS) : null;
}

/** What an answer means for the event that was sent. */
export type Delivery = "done" | "retry" | "fenced" | "dead";

export function judgeStatus(status: number): Delivery {
  if (status >= 200 && status < 300) return "done";
  if (status === 410) return "fenced";
  if (status === 408 || status === 425 || status === 429 || status >= 500 || status < 200) return "retry";
  return "dead";
}
