import { createRequire } from "node:module";
import type { ErrorObject, ValidateFunction } from "ajv";
import type { Ajv2020 as AjvClass } from "ajv/dist/2020.js";
import type { Issue } from "../core/model/issue.ts";
import type { RepositoryFile } from "./layout.ts";
import { toIssue } from "./parse.ts";
import type { PathStep, Positions } from "./positions.ts";
import { describe, valueAt } from "./schema/explain.ts";
import { decodeText } from "./text.ts";
import { shorten } from "./yaml.ts";

/** House rules beyond these are refused, so that a check of the fleet stays quick. */
export const POLICIES_MAX = 50;
const ISSUES_PER_POLICY_MAX = 10;

/** The repository's house rules, ready to be applied. */
export interface PolicySet {
  /** Problems of the rule files themselves. A broken rule is an error of its own and applies to nothing. */
  readonly issues: readonly Issue[];
  /** A rule sees the document as it was written, without defaults, and decides by itself (with `if`) whom it concerns. */
  apply(document: { file: string; value: unknown; positions: Positions }): readonly Issue[];
}

/**
 * Compiles `schemas/policy/*.schema.json`: JSON Schemas (draft 2020-12) on top of the built-in ones.
 * A rule explains itself by `description` or `title`; the nearest one around the violated keyword is shown.
 */
export function compilePolicies(
  entries: readonly RepositoryFile[],
  contents: ReadonlyMap<string, Uint8Array>,
): PolicySet {
  const issues: Issue[] = [];
  const rules: { file: string; title: string; validate: ValidateFunction }[] = [];
  for (const [index, entry] of entries.entries()) {
    const outcome =
      index < POLICIES_MAX
        ? compile(entry, contents.get(entry.blob))
        : `there are more than ${POLICIES_MAX} house rules`;
    if (typeof outcome === "string") {
      issues.push({
        severity: "error",
        file: entry.path,
        reason: "BrokenPolicy",
        message: `the house rule cannot be used: ${outcome}`,
      });
    } else rules.push({ file: entry.path, ...outcome });
  }
  return {
    issues,
    apply: (document) => rules.flatMap((rule) => applyRule(rule, document)),
  };
}

function compile(
  entry: RepositoryFile,
  bytes: Uint8Array | undefined,
): { title: string; validate: ValidateFunction } | string {
  if (entry.type !== "file" && entry.type !== "executable") return "it is not a file";
  if (bytes === undefined) return "its contents could not be read";
  const { text, issues } = decodeText(entry.path, bytes);
  if (text === null) return issues[0]?.message ?? "it is not text";
  let schema: unknown;
  try {
    schema = JSON.parse(text);
  } catch (error) {
    return `it is not JSON: ${shorten(messageOf(error), 120)}`;
  }
  if (typeof schema !== "object" || schema === null || Array.isArray(schema))
    return "it is not a JSON Schema";
  const title = valueAt(schema, ["title"]);
  try {
    return { title: typeof title === "string" ? title : entry.path, validate: newAjv().compile(schema) };
  } catch (error) {
    return shorten(messageOf(error), 200);
  }
}

// ajv is CommonJS and its default export reads differently for compilers and for Node.
const load = createRequire(import.meta.url);

function newAjv(): AjvClass {
  const { Ajv2020 } = load("ajv/dist/2020.js") as { Ajv2020: typeof AjvClass };
  const addFormats = load("ajv-formats") as (ajv: AjvClass) => void;
  // One instance per rule: rules cannot clash over `$id`, and none can refer to the network.
  const ajv = new Ajv2020({
    allErrors: true,
    strict: true,
    strictTypes: false,
    strictRequired: false,
    strictTuples: false,
    verbose: true,
    logger: false,
  });
  addFormats(ajv);
  return ajv;
}

function applyRule(
  rule: { file: string; title: string; validate: ValidateFunction },
  document: { file: string; value: unknown; positions: Positions },
): Issue[] {
  let valid: boolean;
  try {
    valid = rule.validate(document.value) === true;
  } catch (error) {
    return [
      {
        severity: "error",
        file: document.file,
        reason: "BrokenPolicy",
        message: `the house rule ${rule.file} failed: ${shorten(messageOf(error), 120)}`,
      },
    ];
  }
  if (valid) return [];
  const errors = (rule.validate.errors ?? []).filter(
    (error) => !WRAPPERS.has(error.keyword) && !error.schemaPath.includes("/contains/"),
  );
  return (errors.length > 0 ? errors : (rule.validate.errors ?? []))
    .slice(0, ISSUES_PER_POLICY_MAX)
    .map((error) => violation(rule, error, document));
}

/** These only say that something inside of them failed, which is reported anyway. With `contains` it is the other way round. */
const WRAPPERS: ReadonlySet<string> = new Set(["if", "allOf", "anyOf", "oneOf"]);

function violation(
  rule: { file: string; title: string },
  error: ErrorObject,
  document: { file: string; value: unknown; positions: Positions },
): Issue {
  const path = pointerSteps(error.instancePath, document.value);
  const params = error.params as Record<string, unknown>;
  const extra = params["additionalProperty"] ?? params["unevaluatedProperty"] ?? params["propertyName"];
  const at = typeof extra === "string" ? [...path, extra] : path;
  const description = valueAt(error.parentSchema, ["description"]);
  const missing = params["missingProperty"];
  return toIssue(
    {
      path: at,
      atKey: typeof extra === "string",
      reason: "PolicyViolated",
      message: typeof missing === "string" ? `${rule.title}: \`${missing}\` is missing` : rule.title,
      found: describe(valueAt(document.value, at), at),
      expected: `${typeof description === "string" ? shorten(description, 200) : (error.message ?? error.keyword)} [${rule.file}]`,
    },
    document.file,
    document.positions,
  );
}

/** A JSON pointer as steps; a step into a list becomes a number. */
function pointerSteps(pointer: string, value: unknown): PathStep[] {
  const steps: PathStep[] = [];
  let current = value;
  for (const part of pointer.split("/").slice(1)) {
    const name = part.replaceAll("~1", "/").replaceAll("~0", "~");
    const step = Array.isArray(current) ? Number(name) : name;
    steps.push(step);
    current = valueAt(current, [step]);
  }
  return steps;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
