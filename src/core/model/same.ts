/** Whether two values of JSON say the same, whatever the order of their keys; undefined is absent. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    for (let index = 0; index < a.length; index++) if (!sameValue(a[index], b[index])) return false;
    return true;
  }
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  let shared = 0;
  for (const key of Object.keys(left)) {
    const [one, other] = [left[key], right[key]];
    if (!sameValue(one, other)) return false;
    if (other !== undefined) shared += 1;
  }
  const keys = Object.keys(right);
  return keys.length === shared || keys.every((key) => right[key] === undefined || left[key] !== undefined);
}

/** The first place at which two values differ, as a dotted path; null when they say the same. */
export function firstDifference(a: unknown, b: unknown, path = ""): string | null {
  if (sameValue(a, b)) return null;
  const isObject = (value: unknown): value is Record<string, unknown> =>
    typeof value === "object" && value !== null;
  if (!isObject(a) || !isObject(b)) return path;
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const inside = firstDifference(a[key], b[key], path === "" ? key : `${path}.${key}`);
    if (inside !== null) return inside;
  }
  return path;
}
