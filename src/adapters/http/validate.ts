import type { z } from "zod";
import type { ProblemField } from "../../api/problem.ts";
import { FOUND_CHARS_MAX, PROBLEM_FIELDS_MAX } from "./limits.ts";
import { HttpProblem, type ProblemCode } from "./problem.ts";

/** The value in the schema's shape, or a 400 that names every wrong field, what was found there and what is right. */
export function valid<Value>(
  schema: z.ZodType<Value>,
  value: unknown,
  code: ProblemCode,
  what: string,
): Value {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const errors = fieldsOf(parsed.error.issues, value);
  const fields = errors.map(({ field }) => field || "the whole").join(", ");
  throw new HttpProblem(
    code,
    `${what} is wrong in ${errors.length} place${errors.length === 1 ? "" : "s"}: ${fields}`,
    errors,
  );
}

/** The same verdict as values instead of an exception. */
export function fieldsOf(issues: readonly z.core.$ZodIssue[], value: unknown): ProblemField[] {
  return issues.slice(0, PROBLEM_FIELDS_MAX).map((issue) => {
    const expected = expectedOf(issue);
    const found = foundAt(value, issue.path);
    return {
      field: issue.path.map(String).join("."),
      message: issue.message,
      ...(found === undefined ? {} : { found }),
      ...(expected === undefined ? {} : { expected }),
    };
  });
}

function expectedOf(issue: z.core.$ZodIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return issue.expected;
    case "invalid_value":
      return issue.values.map((value) => JSON.stringify(value)).join(" | ");
    case "too_small":
      return `at least ${issue.minimum}`;
    case "too_big":
      return `at most ${issue.maximum}`;
    case "invalid_format":
      return "pattern" in issue && typeof issue.pattern === "string" ? issue.pattern : issue.format;
    case "unrecognized_keys":
      return `no ${issue.keys.join(", ")}`;
    default:
      return undefined;
  }
}

/** What stands at the path, shortened; absent when nothing does. */
function foundAt(value: unknown, path: readonly PropertyKey[]): string | undefined {
  let at = value;
  for (const key of path) {
    if (at === null || typeof at !== "object" || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<PropertyKey, unknown>)[key];
  }
  const text = JSON.stringify(at);
  if (text === undefined || text.length <= FOUND_CHARS_MAX) return text;
  return `${text.slice(0, FOUND_CHARS_MAX)}…`;
}
