import type { MissionPhase } from "../../core/model/mission.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../core/model/time.ts";
import type { Colour } from "../io.ts";

export { plural, wrap } from "../../core/proposal/words.ts";

const DAY_MS = 24 * HOUR_MS;

/** `4s`, `12m`, `3h`, `2d`: short enough for a column. */
export function age(ms: number): string {
  if (ms < MINUTE_MS) return `${Math.max(0, Math.floor(ms / SECOND_MS))}s`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)}m`;
  if (ms < DAY_MS) return `${Math.floor(ms / HOUR_MS)}h`;
  return `${Math.floor(ms / DAY_MS)}d`;
}

/** `0:42`, `12:07`, `3:05:00`. */
export function clock(ms: number): string {
  const seconds = Math.floor(ms / SECOND_MS);
  const [h, m, s] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (value: number): string => String(value).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

export const PHASE_COLOUR: Readonly<Record<MissionPhase, Colour>> = {
  Pending: "dim",
  Preparing: "blue",
  Starting: "blue",
  Running: "green",
  Paused: "yellow",
  Blocked: "red",
  Recovering: "yellow",
  Closing: "blue",
  Completed: "green",
  Failed: "red",
  Cancelled: "dim",
  TimedOut: "red",
};

/** What needs a person comes first, then what is under way, then what is over. */
export const PHASE_ORDER: readonly MissionPhase[] = [
  "Blocked",
  "Paused",
  "Recovering",
  "Failed",
  "TimedOut",
  "Running",
  "Closing",
  "Starting",
  "Preparing",
  "Pending",
  "Cancelled",
  "Completed",
];
