import { FactoryError } from "../../core/model/error.ts";

type Redact = (text: string) => string;
type Fields = Readonly<Record<string, unknown>> | undefined;

/** Levels of nesting, entries per object or list: a log line is no place for a whole fleet. */
const DEPTH_MAX = 6;
const ENTRIES_MAX = 100;

/** The fields as plain JSON, redacted. The entry's own `at`, `level` and `message` cannot be overwritten. */
export function plainFields(fields: Fields, redact: Redact): Record<string, unknown> {
  const entries = Object.entries(fields ?? {}).map(([key, value]): [string, unknown] => [
    RESERVED.has(key) ? `${key}_` : redact(key),
    plain(value, redact, DEPTH_MAX),
  ]);
  return Object.fromEntries(entries);
}

const RESERVED = new Set(["at", "level", "message"]);

/** The fields as ` key=value`, strings without quotes where that is unambiguous. */
export function fieldText(fields: Readonly<Record<string, unknown>>): string {
  return Object.entries(fields)
    .map(([key, value]) => ` ${key}=${shown(value)}`)
    .join("");
}

function shown(value: unknown): string {
  return typeof value === "string" && /^[^\s"=\u0000-\u001f\u007f-\u009f]+$/.test(value)
    ? value
    : JSON.stringify(value);
}

/** A value that JSON can hold. Errors keep code, message and cause; what is too deep or too long is cut and says so. */
function plain(value: unknown, redact: Redact, depth: number): unknown {
  switch (typeof value) {
    case "string":
      return redact(value);
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "boolean":
      return value;
    case "undefined":
      return null;
    case "object":
      return value === null ? null : plainObject(value, redact, depth);
    default:
      return redact(String(value));
  }
}

function plainObject(value: object, redact: Redact, depth: number): unknown {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "invalid date" : value.toISOString();
  if (depth === 0) return "…";
  if (value instanceof Error) return plainError(value, redact, depth);
  if (value instanceof Map) return plainEntries([...value], redact, depth);
  const items = value instanceof Set ? [...value] : Array.isArray(value) ? value : null;
  if (!items) return plainEntries(Object.entries(value), redact, depth);
  const kept = items.slice(0, ENTRIES_MAX).map((item) => plain(item, redact, depth - 1));
  return items.length > ENTRIES_MAX ? [...kept, `… ${items.length - ENTRIES_MAX} more`] : kept;
}

function plainEntries(entries: readonly [unknown, unknown][], redact: Redact, depth: number): unknown {
  const kept = entries
    .slice(0, ENTRIES_MAX)
    .map(([key, inner]): [string, unknown] => [redact(String(key)), plain(inner, redact, depth - 1)]);
  if (entries.length > ENTRIES_MAX) kept.push(["…", `${entries.length - ENTRIES_MAX} more`]);
  return Object.fromEntries(kept);
}

function plainError(error: Error, redact: Redact, depth: number): unknown {
  return {
    ...(error instanceof FactoryError
      ? { code: error.code, disposition: error.disposition }
      : { name: error.name }),
    message: redact(error.message),
    ...(error.cause === undefined ? {} : { cause: plain(error.cause, redact, depth - 1) }),
    ...(error instanceof FactoryError && error.disposition !== "crash"
      ? {}
      : { stack: redact(error.stack ?? "") }),
  };
}
