import type { Issue } from "../core/model/issue.ts";
import { checkDocument } from "./check.ts";
import { hasErrors, sortIssues } from "./issue.ts";
import { dotted, type Position, type Positions } from "./positions.ts";
import { API_VERSION } from "./schema/common.ts";
import { describe, explain, type Finding, valueAt } from "./schema/explain.ts";
import { type AnyDocument, isKind, KINDS, type Kind } from "./schema/kinds.ts";
import { knownSecrets, suspiciousFields } from "./secrets.ts";
import { NO_STOPS, type Stops, stopsOf } from "./stop.ts";
import { nearest } from "./suggest.ts";
import { decodeText, placeOf } from "./text.ts";
import { readYaml } from "./yaml.ts";

/** More are summed up in one line. */
export const ISSUES_PER_DOCUMENT_MAX = 50;

export interface ParseResult {
  /** Null when there is at least one error. */
  readonly document: ParsedDocument | null;
  /** Ordered by place. */
  readonly issues: readonly Issue[];
  readonly stops: Stops;
  /** The plain value and its places, also of a document with errors, for house rules. Null when it is not YAML. */
  readonly source: { readonly value: unknown; readonly positions: Positions } | null;
}

export interface ParsedDocument<Document extends AnyDocument = AnyDocument> {
  readonly file: string;
  readonly document: Document;
  readonly positions: Positions;
}

/**
 * Reads one document. Every problem is an issue with its place, several at
 * once; no input makes it throw or hang. `kind` is what the file's place asks for; without it the
 * document says itself what it is.
 */
export function parseDocument(input: { file: string; bytes: Uint8Array; kind?: Kind }): ParseResult {
  const { file, bytes } = input;
  const { text, issues: textIssues } = decodeText(file, bytes);
  if (text === null) return { document: null, issues: textIssues, stops: NO_STOPS, source: null };
  const tree = readYaml(file, text);
  const issues: Issue[] = [...textIssues, ...tree.issues];
  const stops = stopsOf(tree.value, input.kind);
  // A guess at broken YAML would only bring issues that vanish once the first is mended.
  if (!tree.wellFormed)
    return {
      document: null,
      issues: limited(file, [...issues, ...literals(file, text)]),
      stops,
      source: null,
    };

  const source = { value: tree.value, positions: tree.positions };
  issues.push(...literals(file, text));
  const readable = tree.issues.every((issue) => HARMLESS_TO_SHAPE.has(issue.reason));
  const known = issues.length;
  const document = readable
    ? documentOf(tree.value, input.kind, (finding) => issues.push(toIssue(finding, file, tree.positions)))
    : null;
  if (readable) {
    const lines = new Set(issues.slice(0, known).map((issue) => issue.line));
    for (const { path, kind } of suspiciousFields(tree.value)) {
      const issue = toIssue(literalSecret(kind, path), file, tree.positions);
      if (!lines.has(issue.line)) issues.push(issue);
    }
  }
  const usable = document !== null && !hasErrors(issues);
  return {
    document: usable ? { file, document, positions: tree.positions } : null,
    issues: limited(file, issues),
    stops,
    source,
  };
}

/** After these the rest of the document still means what it says, so it is judged in the same go. */
const HARMLESS_TO_SHAPE: ReadonlySet<string> = new Set(["DuplicateKey", "ForbiddenKey", "YamlVersion"]);

function documentOf(
  value: unknown,
  wanted: Kind | undefined,
  report: (finding: Finding) => void,
): AnyDocument | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    report({
      path: [],
      reason: "WrongType",
      message: "a document is a map",
      found: describe(value, []),
      expected: "apiVersion, kind, metadata and spec",
    });
    return null;
  }
  const kind = valueAt(value, ["kind"]);
  if (kind !== undefined && !isKind(kind)) {
    const meant = typeof kind === "string" ? nearest(kind, Object.keys(KINDS)) : null;
    report({
      path: ["kind"],
      reason: "UnknownKind",
      message: "there is no such kind",
      found: describe(kind, []),
      expected: meant === null ? (wanted ?? Object.keys(KINDS).join(" | ")) : `did you mean ${meant}?`,
    });
    return null;
  }
  if (wanted !== undefined && kind !== undefined && kind !== wanted) {
    report({
      path: ["kind"],
      reason: "WrongPlace",
      message: `a document of this kind does not belong in this place`,
      found: String(kind),
      expected: wanted,
    });
    return null;
  }
  const asKind = wanted ?? (isKind(kind) ? kind : null);
  if (asKind === null) {
    report({
      path: ["kind"],
      reason: "MissingField",
      message: "`kind` is missing",
      expected: Object.keys(KINDS).join(" | "),
    });
    return null;
  }
  const version = valueAt(value, ["apiVersion"]);
  if (version !== undefined && version !== API_VERSION) {
    report({
      path: ["apiVersion"],
      reason: "UnknownVersion",
      message: "this version of the format is not known",
      found: describe(version, []),
      expected: API_VERSION,
    });
    return null;
  }
  const schema = KINDS[asKind];
  const result = schema.safeParse(value);
  if (!result.success) {
    for (const finding of explain(result.error.issues, { schema, value })) report(finding);
    return null;
  }
  for (const finding of checkDocument(result.data)) report(finding);
  return result.data;
}

export function toIssue(finding: Finding, file: string, positions: Positions): Issue {
  const { path, atKey, severity, reason, message, found, expected } = finding;
  const at: Position | null = atKey === true ? positions.key(path) : positions.value(path);
  const field = dotted(path);
  return {
    severity: severity ?? "error",
    reason,
    file,
    ...(at === null ? {} : { line: at.line, column: at.column }),
    ...(field === "" ? {} : { field }),
    message,
    ...(found === undefined ? {} : { found }),
    ...(expected === undefined ? {} : { expected }),
  };
}

function literals(file: string, text: string): Issue[] {
  return knownSecrets(text).map(({ kind, offset }) => ({
    severity: "error",
    file,
    ...placeOf(text, offset),
    ...pick(literalSecret(kind, [])),
  }));
}

function literalSecret(kind: string, path: Finding["path"]): Finding {
  return {
    path,
    reason: "LiteralSecret",
    message: `${kind} is written into the document; take it back where it was issued, it is in the history now`,
    found: "a value that is not shown",
    expected: "a reference: spec.secrets [{name, from: {env: …}}] of the clone",
  };
}

function pick(finding: Finding): Omit<Issue, "severity" | "file"> {
  const { path: _path, severity: _severity, atKey: _atKey, meant: _meant, ...rest } = finding;
  return rest;
}

function limited(file: string, issues: readonly Issue[]): Issue[] {
  const sorted = sortIssues(issues);
  if (sorted.length <= ISSUES_PER_DOCUMENT_MAX) return sorted;
  // Errors first, so that a flood of warnings cannot hide one.
  const kept = [...sorted.filter(isError), ...sorted.filter((issue) => !isError(issue))].slice(
    0,
    ISSUES_PER_DOCUMENT_MAX,
  );
  const rest = sorted.length - kept.length;
  return [
    ...sortIssues(kept),
    { severity: "error", file, reason: "TooManyProblems", message: `${rest} more problems are not shown` },
  ];
}

function isError(issue: Issue): boolean {
  return issue.severity === "error";
}
