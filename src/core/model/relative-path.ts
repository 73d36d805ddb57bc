/** Longest path that is taken from anybody: people write a tenth of it. */
export const RELATIVE_PATH_CHARS_MAX = 1_024;

/**
 * The components of a path that stays below the folder it is meant for; null for one that is absolute, empty, too long, leads
 * upwards, or means something else on another system (a backslash, a control character).
 */
export function relativeParts(path: string): readonly string[] | null {
  if (path.length > RELATIVE_PATH_CHARS_MAX || UNSAFE.test(path)) return null;
  const parts = path.split("/");
  return parts.every((part) => part !== "" && part !== "." && part !== "..") ? parts : null;
}

const UNSAFE = /[\\\u0000-\u001f\u007f]/;
