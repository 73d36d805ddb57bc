import { canonicalJson } from "../model/digest.ts";

/** Fields named at most; beyond, a count says how many more. */
const FIELDS_MAX = 12;

/** Fields that say where a value comes from and not what it is. */
const NOT_CONTENT = new Set(["revision", "provenance", "digest", "workspaceFiles"]);

/** Dotted paths of the fields in which two values differ, ordered. */
export function differingFields(before: object, after: object): readonly string[] {
  const found: string[] = [];
  walk(before, after, "", found);
  found.sort();
  return found.length > FIELDS_MAX
    ? [...found.slice(0, FIELDS_MAX), `and ${found.length - FIELDS_MAX} more`]
    : found;
}

function walk(before: unknown, after: unknown, path: string, found: string[]): void {
  if (isObject(before) && isObject(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      if (path === "" && NOT_CONTENT.has(key)) continue;
      walk(before[key], after[key], path === "" ? key : `${path}.${key}`, found);
    }
  } else if (canonicalJson(before ?? null) !== canonicalJson(after ?? null)) {
    found.push(path);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
