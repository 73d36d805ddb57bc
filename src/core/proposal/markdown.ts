/** The plan as one comment of a pull request. Texts of the proposal are escaped: they cannot bring markup of their own. */
import type { Issue } from "../model/issue.ts";
import { code, page } from "../status/text.ts";
import type { PlanExplanation } from "./explanation.ts";
import { newIssues } from "./issues.ts";
import { causeLines } from "./markdown-causes.ts";
import { approvalLines, changeLines, heldLines, issueLines, verdictLines } from "./markdown-parts.ts";
import { newCloneLines, startLines } from "./markdown-starts.ts";
import { stopLines } from "./markdown-stops.ts";
import { bytesOf } from "./words.ts";

/** By this line the comment is found again, so that it can be updated in place. */
export const PLAN_MARKER = "<!-- factory-plan -->";
/** A comment of a forge holds 65,536 characters. What is counted here are bytes, of which a character has one or more. */
export const COMMENT_BYTES_MAX = 65_536;

export interface ShownPlan {
  readonly plan: PlanExplanation;
  /** Of the head's files, in their order. */
  readonly issues: readonly Issue[];
  /** Of the base's files: what stands there already is counted and not told again. */
  readonly issuesBefore: readonly Issue[];
  /** Which commits are compared, as people named them. */
  readonly baseText: string;
  readonly headText: string;
}

/** How much is told: from everything to what has to be known in any case. */
export interface Detail {
  /** Rows of a table, items of a list. */
  readonly rows: number;
  /** Lines of one text's difference; 0: none is shown. */
  readonly diffLines: number;
  /** Names that stand in one list. */
  readonly names: number;
  /** Groups of missions that are told in full. */
  readonly groups: number;
  /** Characters of an objective. */
  readonly objective: number;
}

const DETAILS: readonly Detail[] = [
  { rows: 60, diffLines: 60, names: 400, groups: 12, objective: 2_000 },
  { rows: 40, diffLines: 40, names: 200, groups: 8, objective: 800 },
  { rows: 25, diffLines: 15, names: 60, groups: 5, objective: 400 },
  { rows: 12, diffLines: 6, names: 20, groups: 3, objective: 200 },
  { rows: 6, diffLines: 0, names: 6, groups: 2, objective: 120 },
];

/** What a part of the comment does with what does not fit: it says so here, in words. */
export type LeftOut = (text: string) => void;

/**
 * At most `bytesMax` bytes of UTF-8, and so never more characters than that. What does not fit is left out, the
 * least important first, and the comment says what and how much that was.
 */
export function planMarkdown(shown: ShownPlan, { bytesMax = COMMENT_BYTES_MAX } = {}): string {
  let text = "";
  for (const detail of DETAILS) {
    text = render(shown, detail);
    if (bytesOf(text) <= bytesMax) return text;
  }
  return cut(text, bytesMax);
}

function render(shown: ShownPlan, detail: Detail): string {
  const { plan, issues, issuesBefore } = shown;
  const left: string[] = [];
  const leave: LeftOut = (text) => left.push(text);
  const parts = [
    verdictLines(plan, issues),
    approvalLines(plan),
    issueLines(newIssues(issues, issuesBefore), { known: issues.length, detail, leave }),
    causeLines(plan, detail, leave),
    changeLines(plan, "loosened", { detail, leave }),
    startLines(plan, detail, leave),
    stopLines(plan, detail, leave),
    changeLines(plan, "tightened", { detail, leave }),
    changeLines(plan, "changed", { detail, leave }),
    changeLines(plan, "idle", { detail, leave }),
    newCloneLines(plan, detail, leave),
    heldLines(plan, detail, leave),
    leftLines(left),
    footLines(shown),
  ];
  const lines = [
    PLAN_MARKER,
    "## Factory plan",
    "",
    ...parts.flatMap((some) => (some.length === 0 ? [] : [...some, ""])),
  ];
  // Parts end as they like; a line of a difference is never empty.
  return page(lines).replace(/\n{3,}/g, "\n\n");
}

function leftLines(left: readonly string[]): readonly string[] {
  if (left.length === 0) return [];
  return [`_Left out here: ${left.join("; ")}. \`factory plan\` with the same two commits shows all of it._`];
}

function footLines({ plan, baseText, headText }: ShownPlan): readonly string[] {
  return [
    `<sub>base ${sideText(baseText, plan.base)} · head ${sideText(headText, plan.head)} · plan ${code(plan.planHash.replace("sha256:", "").slice(0, 16))}</sub>`,
  ];
}

/** The commit, and the name by which it was called where that is another. */
function sideText(text: string, commit: string | null): string {
  if (commit === null || !/^[0-9a-f]{40,64}$/.test(commit)) return code(text);
  const id = commit.slice(0, 12);
  return text.startsWith(id) ? code(id) : `${code(text)} (${code(id)})`;
}

/** Even the shortest telling is too long, as with hundreds of groups that have nothing in common. */
function cut(text: string, bytesMax: number): string {
  const note =
    "\n\n_The rest is left out, because it does not fit into a comment. `factory plan` with the same two commits shows all of it._\n";
  const room = bytesMax - bytesOf(note);
  const kept: string[] = [];
  let bytes = 0;
  let open = 0;
  let fence = "";
  for (const line of text.split("\n")) {
    bytes += bytesOf(line) + 1;
    // Room for what has to be closed.
    if (bytes > room - 200) break;
    kept.push(line);
    open += Number(line.startsWith("<details>")) - Number(line === "</details>");
    const mark = /^(`{3,})/.exec(line)?.[1] ?? "";
    if (mark !== "") fence = fence === "" ? mark : "";
  }
  return (
    [
      ...kept,
      ...(fence === "" ? [] : [fence]),
      ...Array.from({ length: Math.max(0, open) }, () => "</details>"),
    ].join("\n") + note
  );
}
