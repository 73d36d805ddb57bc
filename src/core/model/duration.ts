import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "./time.ts";

const UNIT_MS = { ms: 1, s: SECOND_MS, m: MINUTE_MS, h: HOUR_MS, d: DAY_MS, w: 7 * DAY_MS } as const;

export type DurationUnit = keyof typeof UNIT_MS;

/** Nothing that people declare lasts longer than ten million of its unit. */
const DIGITS_MAX = 7;

/** Milliseconds of a text such as `500ms`, `30s`, `5m`, `12h`, `30d`, `4w`; null for any other, and for units that are not among the given. */
export function durationMs(text: string, units: readonly DurationUnit[]): number | null {
  const [, digits = "", unit = ""] = /^(\d+)([a-z]+)$/.exec(text) ?? [];
  const known = units.find((one) => one === unit);
  return known === undefined || digits.length > DIGITS_MAX ? null : Number(digits) * UNIT_MS[known];
}
