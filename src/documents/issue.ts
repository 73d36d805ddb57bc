import { stripVTControlCharacters, styleText } from "node:util";
import type { Issue } from "../core/model/issue.ts";

/** `file:line:col severity Reason field: message (found …, expected …)` on one line. */
export function formatIssue(issue: Issue): string {
  return render(issue, plain);
}

/**
 * All issues in order, one per line, and a last line that counts them.
 * With `width`, longer ones are wrapped at words and continued with an indentation.
 */
export function formatIssues(
  issues: readonly Issue[],
  options: { color?: boolean; width?: number } = {},
): string {
  const paint = options.color === true ? coloured : plain;
  const lines = sortIssues(issues).map((issue) =>
    wrap(render(issue, paint), options.width ?? Number.POSITIVE_INFINITY),
  );
  lines.push(countIssues(issues));
  return `${lines.join("\n")}\n`;
}

export function countIssues(issues: readonly Issue[]): string {
  const errors = issues.filter((issue) => issue.severity === "error").length;
  const warnings = issues.length - errors;
  if (issues.length === 0) return "no problems";
  const parts: string[] = [];
  if (errors > 0) parts.push(`${errors} error${errors === 1 ? "" : "s"}`);
  if (warnings > 0) parts.push(`${warnings} warning${warnings === 1 ? "" : "s"}`);
  return parts.join(", ");
}

/** By file, line, column, then severity and reason: the same problems always read the same. */
export function sortIssues(issues: readonly Issue[]): Issue[] {
  return [...issues].sort(
    (left, right) =>
      compare(left.file, right.file) ||
      (left.line ?? 0) - (right.line ?? 0) ||
      (left.column ?? 0) - (right.column ?? 0) ||
      compare(left.severity, right.severity) ||
      compare(left.reason, right.reason) ||
      compare(left.field ?? "", right.field ?? "") ||
      compare(left.message, right.message),
  );
}

export function hasErrors(issues: readonly Issue[]): boolean {
  return issues.some((issue) => issue.severity === "error");
}

type Paint = (role: "place" | "error" | "warning" | "reason" | "field" | "dim", text: string) => string;

function plain(_role: string, text: string): string {
  return text;
}

const COLOURS = {
  place: "bold",
  error: "red",
  warning: "yellow",
  reason: "bold",
  field: "cyan",
  dim: "dim",
} as const;

function coloured(role: keyof typeof COLOURS, text: string): string {
  return styleText(COLOURS[role], text, { validateStream: false });
}

function render(issue: Issue, paint: Paint): string {
  const place = [printable(issue.file), issue.line, issue.line === undefined ? undefined : issue.column]
    .filter((part) => part !== undefined)
    .join(":");
  const facts = [
    issue.found === undefined ? null : `found ${printable(issue.found)}`,
    issue.expected === undefined ? null : wanted(printable(issue.expected)),
  ].filter((fact) => fact !== null);
  const head = [
    paint("place", place),
    paint(issue.severity, issue.severity),
    paint("reason", issue.reason),
  ].join(" ");
  const field = issue.field === undefined ? "" : ` ${paint("field", `${printable(issue.field)}:`)}`;
  const tail = facts.length === 0 ? "" : ` ${paint("dim", `(${facts.join(", ")})`)}`;
  return `${head}${field} ${printable(issue.message)}${tail}`;
}

/** A question and an address read badly after `expected`. */
function wanted(expected: string): string {
  return /^(?:did you mean|it belongs|below) /.test(expected) ? expected : `expected ${expected}`;
}

/** Names of files and values come from strangers: nothing in them may steer a terminal or break the line. */
function printable(text: string): string {
  return text.replaceAll(
    /[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g,
    (char) => `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );
}

const INDENT = "    ";

function wrap(line: string, width: number): string {
  if (stripVTControlCharacters(line).length <= width) return line;
  const rows: string[] = [];
  let row = "";
  for (const word of line.split(" ")) {
    const next = row === "" ? word : `${row} ${word}`;
    if (row.trim() !== "" && stripVTControlCharacters(next).length > width) {
      rows.push(row);
      row = `${INDENT}${word}`;
    } else row = next;
  }
  rows.push(row);
  return rows.join("\n");
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
