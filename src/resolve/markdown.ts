import type { Issue } from "../core/model/issue.ts";
import { valueAt } from "../documents/schema/explain.ts";
import { knownSecrets } from "../documents/secrets.ts";
import { decodeText, placeOf } from "../documents/text.ts";
import { readYaml } from "../documents/yaml.ts";

const NAME_PATTERN = /^[a-z0-9-]{1,64}$/;
const DESCRIPTION_CHARS_MAX = 1_024;

/** A Markdown file of an overlay or a baseline as text; literal credentials are refused as in documents. */
export function readMarkdown(file: string, bytes: Uint8Array): { text: string | null; issues: Issue[] } {
  const { text, issues } = decodeText(file, bytes);
  if (text === null) return { text, issues };
  const literals = knownSecrets(text).map(
    ({ kind, offset }): Issue => ({
      severity: "error",
      file,
      ...placeOf(text, offset),
      reason: "LiteralSecret",
      message: `${kind} is written into the file; take it back where it was issued, it is in the history now`,
      found: "a value that is not shown",
      expected: "no credential; clones get theirs by spec.secrets",
    }),
  );
  return { text, issues: [...issues, ...literals] };
}

/**
 * Checks the frontmatter that agents read (`SKILL.md`, `.claude/agents/*.md`):
 * `name` as the folder or file is called, `description` so that a model knows when to use it.
 */
export function checkFrontmatter(file: string, text: string, name: string): Issue[] {
  const match = /^---[ \t]*\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n|$)/.exec(text);
  if (match === null) {
    return [
      {
        severity: "error",
        file,
        line: 1,
        column: 1,
        reason: "FrontmatterMissing",
        message: "the file does not start with frontmatter",
        expected: "--- name: … description: … ---",
      },
    ];
  }
  // The first line is kept empty, so that lines are counted as in the file.
  const tree = readYaml(file, `\n${match[1]}`);
  if (tree.issues.length > 0) return [...tree.issues];
  const issues: Issue[] = [];
  const report = (field: string, problem: Pick<Issue, "message" | "expected"> & { found?: string }): void => {
    const at = tree.positions.value([field]);
    issues.push({
      severity: "error",
      file,
      line: at?.line ?? 1,
      column: at?.column ?? 1,
      field,
      reason: "FrontmatterInvalid",
      ...problem,
    });
  };
  const found = valueAt(tree.value, ["name"]);
  if (found !== name || !NAME_PATTERN.test(name)) {
    report("name", {
      message:
        "the name is not that of the folder or file, in 1 to 64 lower-case letters, digits and hyphens",
      found: String(found ?? "nothing").slice(0, 80),
      expected: name,
    });
  }
  const description = valueAt(tree.value, ["description"]);
  if (
    typeof description !== "string" ||
    description.trim() === "" ||
    description.length > DESCRIPTION_CHARS_MAX
  ) {
    report("description", {
      message: "the description says nothing or too much",
      found: typeof description === "string" ? `${description.length} characters` : "nothing",
      expected: `1 to ${DESCRIPTION_CHARS_MAX} characters`,
    });
  }
  return issues;
}

/** The text with its headings `levels` lower, so that it can stand below one of ours. Code is left alone. */
export function demoteHeadings(text: string, levels: number): string {
  let fence: string | null = null;
  return text
    .split("\n")
    .map((line) => {
      const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
      if (mark !== undefined) {
        if (fence === null) fence = mark;
        else if (mark[0] === fence[0] && mark.length >= fence.length) fence = null;
        return line;
      }
      if (fence !== null) return line;
      const heading = /^(#{1,6})(?=\s)/.exec(line)?.[1];
      return heading === undefined
        ? line
        : `${"#".repeat(Math.min(6, heading.length + levels))}${line.slice(heading.length)}`;
    })
    .join("\n");
}
