import type { z } from "zod";
import type { Issue } from "../../core/model/issue.ts";
import { dotted, type PathStep } from "../positions.ts";
import { nearest } from "../suggest.ts";
import { shorten } from "../yaml.ts";
import { PATTERN_TEXT } from "./common.ts";
import { fieldsAt, homeOf } from "./walk.ts";

/** What is wrong at a place of a document, before the place is turned into line and column. */
export interface Finding extends Omit<Issue, "file" | "line" | "column" | "field" | "severity"> {
  readonly path: readonly PathStep[];
  /** The mistake is the key itself, not its value. */
  readonly atKey?: boolean;
  readonly severity?: Issue["severity"];
  /** The field that an unknown one stands for, most likely. */
  readonly meant?: string;
}

export interface ExplainContext {
  readonly schema: z.ZodType;
  /** The document as it was written. */
  readonly value: unknown;
}

/** zod's verdict in the words of people who write these files. */
export function explain(issues: readonly z.core.$ZodIssue[], context: ExplainContext): Finding[] {
  const findings = issues.flatMap((issue) => explainOne(issue, context));
  // `objectve` is one mistake, not an unknown field and a missing one.
  const meant = new Set(
    findings.flatMap(({ path, meant: name }) =>
      name === undefined ? [] : [dotted([...path.slice(0, -1), name])],
    ),
  );
  return findings.filter((finding) => finding.reason !== "MissingField" || !meant.has(dotted(finding.path)));
}

function explainOne(issue: z.core.$ZodIssue, context: ExplainContext): Finding[] {
  const path = issue.path.map((step) => (typeof step === "number" ? step : String(step)));
  const actual = valueAt(context.value, path);
  const found = describe(actual, path);
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownField(key, path, context));
    case "invalid_type":
      if (actual === undefined) return [missing(path, typeText(issue.expected), context)];
      return [
        {
          path,
          reason: "WrongType",
          message: "the value has the wrong type",
          found,
          expected: typeHint(issue.expected, actual),
        },
      ];
    case "invalid_value": {
      const values = issue.values.map((value) => String(value));
      if (actual === undefined) return [missing(path, values.join(" | "), context)];
      const meant = typeof actual === "string" ? nearest(actual, values) : null;
      const hint = meant === null || values.length === 1 ? "" : `; did you mean ${meant}?`;
      return [
        {
          path,
          ...(UNKNOWN_VALUE[dotted(path)]?.(actual) ?? VALUE_NOT_ALLOWED),
          found,
          expected: `${values.join(" | ")}${hint}`,
        },
      ];
    }
    case "invalid_format":
      return [
        {
          path,
          reason: "WrongFormat",
          message: "the value has the wrong form",
          found,
          expected: formatText(issue),
        },
      ];
    case "too_small":
    case "too_big":
      return [
        {
          path,
          reason: issue.code === "too_big" ? "TooLarge" : "TooSmall",
          ...sizeText(issue, actual, found),
        },
      ];
    case "invalid_union":
      return explainUnion(issue, actual, context);
    case "invalid_key":
      return [
        {
          path,
          atKey: true,
          reason: "WrongFormat",
          message: "the name of this key has the wrong form",
          found: shorten(String(path.at(-1))),
          expected: "letters, digits and the usual separators",
        },
      ];
    default:
      return [
        { path, reason: "Invalid", message: issue.message, ...(actual === undefined ? {} : { found }) },
      ];
  }
}

const VALUE_NOT_ALLOWED = {
  reason: "ValueNotAllowed",
  message: "the value is not one of those that are known",
} as const;

/** Fields of which more can be said than that a value is not known. */
const UNKNOWN_VALUE: Readonly<Record<string, (value: unknown) => Pick<Finding, "reason" | "message">>> = {
  "spec.agent.adapter": () => ({
    reason: "UnknownAdapter",
    message: "no shim has an adapter of this name, so no agent could be started",
  }),
  "spec.runtime.driver": (value) =>
    PLANNED_DRIVERS.some((name) => name === value)
      ? NOT_AVAILABLE_YET
      : {
          reason: "UnknownDriver",
          message: "no controller has a driver of this name, so nothing of this clone could be started",
        },
};

/** Described in the design: a clone that names one of them is no typing mistake. */
const PLANNED_DRIVERS = ["container", "kubernetes"] as const;

export const NOT_AVAILABLE_YET = {
  reason: "NotAvailableYet",
  message: "this is described but not available yet",
} as const;

/** What is wrong by the form that was meant: of a map that for maps, of a text those for texts. */
function explainUnion(
  issue: z.core.$ZodIssueInvalidUnion,
  actual: unknown,
  context: ExplainContext,
): Finding[] {
  const meant = issue.errors.find(
    (errors) => !errors.some((one) => one.path.length === 0 && one.code === "invalid_type") && isMap(actual),
  );
  const errors = (meant ?? issue.errors.at(0) ?? []).map((one) => ({
    ...one,
    path: [...issue.path, ...one.path],
  }));
  if (meant !== undefined) return errors.flatMap((one) => explainOne(one as z.core.$ZodIssue, context));
  const path = issue.path.map((step) => (typeof step === "number" ? step : String(step)));
  const wanted = issue.errors.flatMap((one) => one.map((each) => formOf(each))).filter((text) => text !== "");
  return [
    {
      path,
      reason: "ValueNotAllowed",
      message: "the value has none of the forms that are known",
      found: describe(actual, path),
      expected: [...new Set(wanted)].join(" | "),
    },
  ];
}

function isMap(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function formOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_value":
      return issue.values.map((value) => String(value)).join(" | ");
    case "invalid_format":
      return formatText(issue);
    case "invalid_type":
      return typeText(issue.expected);
    default:
      return "";
  }
}

function unknownField(key: string, path: readonly PathStep[], context: ExplainContext): Finding {
  const allowed = fieldsAt(context.schema, path);
  const meant = nearest(key, allowed);
  const home = homeOf(context.schema, key);
  const expected =
    meant !== null
      ? `did you mean ${meant}?`
      : home !== null
        ? `it belongs in ${home}`
        : allowed.length > 0
          ? allowed.join(" | ")
          : undefined;
  return {
    path: [...path, key],
    atKey: true,
    reason: "UnknownField",
    message: "there is no such field here",
    found: shorten(key),
    ...(expected === undefined ? {} : { expected: shorten(expected, 200) }),
    ...(meant === null ? {} : { meant }),
  };
}

function missing(path: readonly PathStep[], type: string, context: ExplainContext): Finding {
  const example = EXAMPLES[path.filter((step) => typeof step === "string").join(".")];
  const parent = path.slice(0, -1);
  const isField = fieldsAt(context.schema, parent).includes(String(path.at(-1)));
  return {
    path,
    reason: "MissingField",
    message: isField ? `\`${path.at(-1)}\` is missing` : "a value is missing",
    expected: example === undefined ? type : `below \`${parent.at(-1) ?? "the top"}\`: ${example}`,
  };
}

type SizeIssue = z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig;

function sizeText(
  issue: SizeIssue,
  actual: unknown,
  found: string,
): Pick<Finding, "message" | "found" | "expected"> {
  const big = issue.code === "too_big";
  const limit = big ? issue.maximum : issue.minimum;
  const bound = `${issue.inclusive === false ? (big ? "less than" : "more than") : big ? "at most" : "at least"} ${limit}`;
  if (typeof actual === "string") {
    return {
      message: big ? "the text is too long" : actual === "" ? "the text is empty" : "the text is too short",
      found: `${actual.length} characters`,
      expected: `${bound} characters`,
    };
  }
  if (Array.isArray(actual)) {
    return {
      message: big
        ? "the list is too long"
        : actual.length === 0
          ? "the list is empty"
          : "the list is too short",
      found: `${actual.length} items`,
      expected: `${bound} items`,
    };
  }
  return { message: big ? "the number is too large" : "the number is too small", found, expected: bound };
}

function formatText(issue: z.core.$ZodIssueInvalidStringFormat): string {
  if (issue.format === "datetime") return "RFC 3339 with seconds and an offset, e.g. 2026-11-23T18:00:00Z";
  return PATTERN_TEXT.get(issue.pattern ?? "") ?? `text that matches ${issue.pattern ?? issue.format}`;
}

const TYPES: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  tuple: "a list",
  object: "a map",
  record: "a map",
};

function typeText(expected: string): string {
  return TYPES[expected] ?? expected;
}

function typeHint(expected: string, actual: unknown): string {
  const text = typeText(expected);
  if (expected === "string" && (typeof actual === "number" || typeof actual === "boolean"))
    return `${text}: put it in quotes`;
  if ((expected === "array" || expected === "tuple") && typeof actual === "string")
    return `${text}: [${shorten(actual.split(/\s+/).join(", "), 40)}]`;
  if (expected === "number" && typeof actual === "string" && /^[0-9.]+$/.test(actual))
    return `${text} without quotes`;
  return text;
}

// What stands in these places may be a credential by mistake, so it is never shown.
const PRIVATE_STEPS: ReadonlySet<PathStep> = new Set(["env", "secrets", "annotations"]);

/** A value as it is shown in a message. */
export function describe(value: unknown, path: readonly PathStep[]): string {
  if (value === null) return "nothing";
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object") return "a map";
  if (path.some((step) => PRIVATE_STEPS.has(step))) return typeof value === "string" ? "text" : typeof value;
  return shorten(typeof value === "string" ? JSON.stringify(value) : String(value));
}

export function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let current = value;
  for (const step of path) {
    if (typeof current !== "object" || current === null || !Object.hasOwn(current, step)) return undefined;
    current = (current as Record<PropertyKey, unknown>)[step];
  }
  return current;
}

/** What to write where something that everybody needs is missing. */
const EXAMPLES: Readonly<Record<string, string>> = {
  apiVersion: "apiVersion: factory/v1",
  kind: "kind: Mission",
  metadata: "metadata: {name: <the file's name>}",
  "metadata.name": "name: <the file's name>",
  "spec.runtime": "runtime: {driver: process}",
  "spec.runtime.driver": "driver: process",
  "spec.agent": "agent: {adapter: command, command: [node, agent.js]}",
  "spec.agent.adapter": "adapter: command",
  "spec.agent.command": "command: [node, agent.js]",
  "spec.baseline": "baseline: <name>@<version>",
  "spec.base_profile": "base_profile: <baseline>@<version>",
  "spec.clone": "clone: factory_<mission>_<yyyymmdd>",
  "spec.mission_type": "mission_type: coding | research | automation | custom",
  "spec.objective": "objective: <what is to be achieved>",
  "spec.budget": "budget: {max_runtime_minutes: 30}",
  "spec.budget.max_runtime_minutes": "max_runtime_minutes: 30",
  "spec.success_criteria":
    "success_criteria: [{id: complete, text: …, check: {run: [node, checks/complete.js]}}]",
  "spec.version": 'version: "1.0.0"',
};
