import type { Issue } from "../core/model/issue.ts";
import { type DesiredPostmortem, POSTMORTEM_SECTIONS } from "../core/model/postmortem.ts";

/** `postmortems/<mission_id>.md`. */
export const POSTMORTEM_FILE = /^postmortems\/([A-Za-z0-9_-]{1,100})\.md$/;
/** A longer one is a log, and belongs into the bundle. */
export const POSTMORTEM_BYTES_MAX = 256 * 1024;
const PERSON = /^[^\s:#][^:#\n]{0,99}$/;

/**
 * Reads one postmortem: front matter between `---` lines with `mission_id`, `author` and `reviewed_by`, and
 * sections below `## ` headings. It can be used when both people are named and differ, and the sections that only people
 * can write have text of their own; until then the issues say what is missing.
 */
export function parsePostmortem(file: {
  readonly path: string;
  readonly digest: string;
  readonly text: string;
}): { readonly postmortem: DesiredPostmortem; readonly issues: readonly Issue[] } {
  const named = POSTMORTEM_FILE.exec(file.path)?.[1] ?? "";
  const front = frontMatter(file.text);
  const missing: string[] = [];
  const issues: Issue[] = [];
  const say = (line: number, message: string, expected: string): void => {
    missing.push(message);
    issues.push({
      severity: "error",
      file: file.path,
      line,
      reason: "PostmortemIncomplete",
      message: `${message}; the mission is not closed before`,
      expected,
    });
  };
  if (front === null) say(1, "it has no front matter", "---, mission_id: …, author: …, reviewed_by: …, ---");
  const fields = front?.fields ?? new Map<string, Field>();
  const missionId = fields.get("mission_id");
  if (front !== null && missionId?.value !== named)
    say(missionId?.line ?? 1, "`mission_id` is not that of the file's name", named);
  const author = fields.get("author");
  const reviewer = fields.get("reviewed_by");
  for (const [name, field] of [["author", author] as const, ["reviewed_by", reviewer] as const]) {
    if (front !== null && (field === undefined || !PERSON.test(field.value)))
      say(field?.line ?? 1, `\`${name}\` is empty`, "the name of a person");
  }
  if (
    author !== undefined &&
    reviewer !== undefined &&
    author.value !== "" &&
    author.value === reviewer.value
  )
    say(reviewer.line, "the author is its only reviewer", "another person");
  const sections = sectionsOf(file.text);
  for (const name of POSTMORTEM_SECTIONS) {
    const section = sections.find((one) => one.name.toLowerCase() === name.toLowerCase());
    if (section === undefined) say(1, `the section \`${name}\` is missing`, `## ${name}`);
  }
  for (const section of sections) {
    if (section.empty)
      say(section.line, `the section \`${section.name}\` is empty`, "text, or no such section");
  }
  const postmortem: DesiredPostmortem = {
    missionId: named,
    file: file.path,
    digest: file.digest,
    author: author?.value ?? "",
    reviewedBy: reviewer?.value ?? "",
    missing,
  };
  return { postmortem, issues };
}

interface Field {
  readonly value: string;
  readonly line: number;
}

function frontMatter(text: string): { readonly fields: ReadonlyMap<string, Field> } | null {
  const lines = text.split(/\r?\n/);
  if (lines[0] !== "---") return null;
  const end = lines.indexOf("---", 1);
  if (end < 0) return null;
  const fields = new Map<string, Field>();
  for (let index = 1; index < end; index++) {
    const match = /^([a-z_]+):\s*(.*?)\s*(?:\s#.*)?$/.exec(lines[index] ?? "");
    if (match?.[1] === undefined) continue;
    fields.set(match[1], { value: (match[2] ?? "").replace(/^(["'])(.*)\1$/, "$2"), line: index + 1 });
  }
  return { fields };
}

/** Comments are instructions of the skeleton and no text. */
function sectionsOf(
  text: string,
): readonly { readonly name: string; readonly line: number; readonly empty: boolean }[] {
  const bare = text.replace(/<!--[\s\S]*?-->/g, (comment) => comment.replace(/[^\n]/g, ""));
  const sections: { name: string; line: number; empty: boolean }[] = [];
  for (const [index, line] of bare.split(/\r?\n/).entries()) {
    const heading = /^##\s+(.+?)\s*$/.exec(line)?.[1];
    const open = sections.at(-1);
    if (heading !== undefined) sections.push({ name: heading, line: index + 1, empty: true });
    else if (open !== undefined && line.trim() !== "") open.empty = false;
  }
  return sections;
}
