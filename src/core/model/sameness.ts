/** When two texts or values say the same, whatever the ids, times and measurements in them. */
import { canonicalJson, sha256Hex } from "./digest.ts";

/** Longer texts are compared by their beginnings: what differs only after this is the same for us. */
const COMPARED_LENGTH_MAX = 4_000;

const ANSI = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*[A-Za-z]`, "g");
const UUID = /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi;
const TIMESTAMP = /\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?/gi;
const CLOCK = /\b\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?\b/g;
/** Milliseconds, microseconds or nanoseconds since 1970, of this century. */
const EPOCH_TIME = /\b1[4-9]\d{11}(?:\d{3}){0,2}\b/g;
const ADDRESS = /\b0x[0-9a-f]+\b/gi;
/** Hex of the length of a commit or a digest, with a digit in it: `deadbeef` alone may be a word. */
const HEX = /\b(?=[a-f]*\d)[0-9a-f]{12,}\b/gi;
const DURATION = /\b\d+(?:[.,]\d+)?\s?(?:ns|us|µs|ms|sec(?:onds?)?|s|minutes?|mins?|h|hours?)\b/gi;
/** `req_01HZX…`, `call_9f…`, `m_3534…`: a word, and a long tail with a digit in it. */
const TAGGED_ID = /\b([a-z]{1,12}[_-])(?=[0-9a-z]*\d)[0-9a-z]{8,}\b/gi;
/** What lies in a folder for temporary files has a name of its own every time. */
const TEMPORARY = /(\/(?:var\/)?tmp\/)[^\s/'":,;)]+/g;

/** The text without ids, addresses, times and durations; other numbers stand, for they say what was meant. */
export function withoutIds(text: string): string {
  return text
    .slice(0, COMPARED_LENGTH_MAX)
    .replace(ANSI, "")
    .replace(UUID, "#")
    .replace(TIMESTAMP, "#")
    .replace(EPOCH_TIME, "#")
    .replace(CLOCK, "#")
    .replace(ADDRESS, "#")
    .replace(HEX, "#")
    .replace(TAGGED_ID, "$1#")
    .replace(DURATION, "#")
    .replace(TEMPORARY, "$1#")
    .replace(/\s+/g, " ")
    .trim();
}

/** Looser: without any number, case or punctuation at its end. For sentences that tell of one trouble again. */
export function gist(text: string): string {
  return withoutIds(text)
    .replace(/\d+(?:[.,]\d+)*/g, "#")
    .replace(/#(?:\s?#)+/g, "#")
    .toLowerCase()
    .replace(/[\s.!…]+$/, "");
}

/** Equal keys are the same reason. */
export function gistKey(text: string): string {
  return sha256Hex(gist(text)).slice(0, KEY_LENGTH);
}

/** Enough to tell a few dozen texts of one mission apart. */
const KEY_LENGTH = 16;

/** Fields that differ with every call, or measure it, and say nothing about what is done. */
const VOLATILE_FIELDS: ReadonlySet<string> = new Set([
  "call_id",
  "tool_call_id",
  "request_id",
  "correlation_id",
  "trace_id",
  "span_id",
  "nonce",
  "timestamp",
  "ts",
  "time",
  "now",
  "date",
  "started_at",
  "finished_at",
  "created_at",
  "updated_at",
  "duration",
  "duration_ms",
  "elapsed",
  "elapsed_ms",
  "latency_ms",
  "metrics",
  "usage",
  "tokens",
  "cost_usd",
]);

/**
 * A digest by which two JSON values are the same action or the same result; null
 * for what cannot be compared, which is then equal to nothing.
 */
export function samenessOf(value: unknown): string | null {
  try {
    return sha256Hex(canonicalJson(plain(value, 0))).slice(0, KEY_LENGTH);
  } catch {
    return null;
  }
}

/** Nested deeper, a value is compared by its outer part. */
const DEPTH_MAX = 20;

function plain(value: unknown, depth: number): unknown {
  if (typeof value === "string") return withoutIds(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth >= DEPTH_MAX) return "…";
  if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value)
      .filter(([field]) => !VOLATILE_FIELDS.has(field.toLowerCase()))
      .map(([field, item]) => [field, plain(item, depth + 1)]),
  );
}
