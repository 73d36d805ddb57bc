/** What changed between two states, one line for each thing, with times as people read them. */

/** Instants, apart from durations and counts: nothing else is as large. */
const INSTANT_MIN = Date.UTC(2020, 0, 1);

export function differences(before: unknown, after: unknown, now: number, path = ""): string[] {
  if (before === after) return [];
  if (Array.isArray(before) && Array.isArray(after)) return listDifferences(before, after, now, path);
  if (isRecord(before) && isRecord(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return keys.flatMap((key) =>
      before[key] === after[key]
        ? []
        : differences(before[key], after[key], now, path === "" ? key : `${path}.${key}`),
    );
  }
  return [`${path}: ${shown(before, now)} → ${shown(after, now)}`];
}

/** Whether `differences` would find none. */
export function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (Array.isArray(one) && Array.isArray(other))
    return one.length === other.length && one.every((item, at) => isSame(item, other[at]));
  if (!isRecord(one) || !isRecord(other)) return false;
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...keys].every((key) => isSame(one[key], other[key]));
}

/** One line, without quotes where nothing is lost by it; instants as seconds from `now`. */
export function shown(value: unknown, now: number): string {
  if (typeof value === "number" && value > INSTANT_MIN) {
    const seconds = (value - now) / 1_000;
    return seconds === 0 ? "now" : `${seconds > 0 ? "+" : ""}${seconds}s`;
  }
  if (typeof value === "string") return short(value);
  if (Array.isArray(value)) return `[${value.map((one) => shown(one, now)).join(", ")}]`;
  if (isRecord(value)) {
    return `{${Object.entries(value)
      .map(([key, one]) => `${key}: ${shown(one, now)}`)
      .join(", ")}}`;
  }
  return String(value);
}

/** The same few texts are met a million times. */
const SHORTENED = new Map<string, string>();
const SHORTENED_MAX = 10_000;

/** Ids are told apart by their beginning. What a digest is, is a matter of its own. */
function short(text: string): string {
  const known = SHORTENED.get(text);
  if (known !== undefined) return known;
  if (SHORTENED.size >= SHORTENED_MAX) SHORTENED.clear();
  const made = text
    .replace(/2026-11-23T/g, "")
    .replace(/\bsha256:[0-9a-f]{12,}/g, "sha256:…")
    .replace(/\b([0-9a-f]{8})[0-9a-f]{16,}\b/g, "$1…")
    .replace(/\n/g, "⏎");
  SHORTENED.set(text, made);
  return made;
}

function listDifferences(before: unknown[], after: unknown[], now: number, path: string): string[] {
  if (before.length === after.length)
    return before.flatMap((one, at) => differences(one, after[at], now, `${path}[${at}]`));
  const had = before.map((one) => JSON.stringify(one));
  const has = after.map((one) => JSON.stringify(one));
  return [
    ...before.filter((_, at) => !has.includes(had[at] ?? "")).map((one) => `${path} − ${shown(one, now)}`),
    ...after.filter((_, at) => !had.includes(has[at] ?? "")).map((one) => `${path} + ${shown(one, now)}`),
  ];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
