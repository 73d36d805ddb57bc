/** Values of fields as people read them. */
import { MINUTE_MS, SECOND_MS } from "../model/time.ts";

export type Show = (value: unknown) => string;

/** What stands for a value that is not there. */
export const NONE = "none";

const TEXT_CHARS_MAX = 200;

export const asText: Show = (value) => {
  if (value === undefined || value === null) return NONE;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > TEXT_CHARS_MAX ? `${text.slice(0, TEXT_CHARS_MAX - 1)}…` : text;
};

/** A number with its unit. `absent`: what it means that there is none. */
export function inUnits(unit: string, absent = "no limit"): Show {
  return (value) => (typeof value === "number" ? `${value} ${unit}` : absent);
}

/** Milliseconds of the model, in the largest unit that they fill. */
export const asDuration: Show = (value) => {
  if (typeof value !== "number") return NONE;
  if (value % MINUTE_MS === 0 && value > 0) return `${value / MINUTE_MS} min`;
  return value % SECOND_MS === 0 ? `${value / SECOND_MS} s` : `${value} ms`;
};

export function asList(empty: string): Show {
  return (value) =>
    Array.isArray(value) && value.length > 0 ? asText(value.map((item) => asText(item)).join(", ")) : empty;
}

export const asYesNo: Show = (value) => (value === true ? "yes" : "no");

/** A program and its arguments, each that needs it in quotes, so that it is seen where one ends. */
export const asCommand: Show = (value) =>
  Array.isArray(value)
    ? asText(
        value.map((part) => (/^[\w./:=@%+,-]+$/.test(String(part)) ? part : JSON.stringify(part))).join(" "),
      )
    : NONE;
