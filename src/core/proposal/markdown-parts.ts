/** Parts of the comment: verdict, approvals, problems, causes, changed fields, what is held. */
import type { Issue } from "../model/issue.ts";
import { cell, code } from "../status/text.ts";
import type { PlanExplanation } from "./explanation.ts";
import { type FieldRow, fieldRows, type RowKind } from "./groups.ts";
import { issueGroups } from "./issues.ts";
import type { Detail, LeftOut } from "./markdown.ts";
import { verdictOf } from "./verdict.ts";
import { grouped, html, plural, someOf } from "./words.ts";

export function verdictLines(plan: PlanExplanation, issues: readonly Issue[]): string[] {
  const { does, cost, loosens, approval, problems } = verdictOf(plan, issues);
  const more = [
    ...(cost === null ? [] : [cell(cost)]),
    ...(loosens === null ? [] : [`⚠️ ${cell(loosens)}`]),
    ...(problems === null ? [] : [`❌ ${cell(problems)}`]),
    ...(approval === null ? [] : [`✍️ ${cell(approval)}`]),
    ...(plan.blast.touched.length === 0
      ? []
      : [`Touches ${grouped(plan.blast.touched.length)} of ${plural(plan.blast.total, "clone")}.`]),
  ];
  const known = [plan.world.text, ...plan.world.unknown].map(words).join(" ");
  // Where nothing happens it does not matter what lives.
  const isIdle = more.length === 0 && plan.world.unknown.length === 0;
  return [
    `**${cell(does)}**`,
    ...(more.length === 0 ? [] : ["", more.join("  \n")]),
    ...(isIdle ? [] : ["", `> ${known}`]),
  ];
}

/** Our own sentences: what stands in backticks stays code, the rest is escaped. */
export function words(text: string): string {
  return text
    .split("`")
    .map((part, index) => (index % 2 === 1 ? code(part) : escaped(part)))
    .join("");
}

/** As `cell`, keeping the blanks at the ends. */
function escaped(text: string): string {
  const [, before = "", inner = "", after = ""] = /^(\s*)([\s\S]*?)(\s*)$/.exec(text) ?? [];
  return (before === "" ? "" : " ") + cell(inner) + (after === "" || inner === "" ? "" : " ");
}

export function approvalLines({ approvals }: PlanExplanation): string[] {
  if (approvals === null || approvals.length === 0) return [];
  return [
    "### ✍️ Approvals",
    "",
    ...table(
      ["What", "Who", "Given", "Why"],
      approvals.map(({ subject, count, from, given, why }) => [
        codeCell(subject),
        cell(`${count} ${from.length === 0 ? "of those who may write" : `of ${from.join(", ")}`}`),
        given.length === 0 ? "–" : cell(given.join(", ")),
        cell(why),
      ]),
    ),
  ];
}

export function issueLines(
  issues: readonly Issue[],
  { known, detail, leave }: { readonly known: number; readonly detail: Detail; readonly leave: LeftOut },
): string[] {
  if (issues.length === 0) return [];
  const groups = issueGroups(issues);
  const rows = upTo(groups, detail.rows, { leave, of: "kinds of problems" }).map(({ first, issues: of }) => [
    first.severity === "error" ? "❌" : "⚠️",
    someOf(of.map(placeText), PLACES_MAX),
    cell(`${first.message}${of.length > 1 || first.found === undefined ? "" : ` (found ${first.found})`}`),
  ]);
  const errors = issues.filter(({ severity }) => severity === "error").length;
  const title = [
    ...(errors === 0 ? [] : [plural(errors, "error")]),
    ...(issues.length === errors ? [] : [`${plural(issues.length - errors, "new warning")}`]),
  ].join(", ");
  const before = known - issues.length;
  const lines = [
    ...table(["", "Where", "What"], rows),
    ...(before === 0 ? [] : ["", `${plural(before, "warning")} more stand in the base already.`]),
  ];
  return errors > 0 ? [`### ❌ Files: ${title}`, "", ...lines] : folded(`⚠️ Files: ${title}`, lines);
}

const PLACES_MAX = 3;

function placeText({ file, line }: Issue): string {
  return codeCell(line === undefined ? file : `${file}:${line}`);
}

const TITLES: Readonly<Record<RowKind, string>> = {
  loosened: "### 🔓 Loosened",
  tightened: "### 🔒 Tightened",
  changed: "### Changed",
  idle: "### Takes no effect",
};

export function changeLines(
  plan: PlanExplanation,
  which: RowKind,
  { detail, leave }: { readonly detail: Detail; readonly leave: LeftOut },
): string[] {
  const rows = fieldRows(plan.changes, which);
  if (rows.length === 0) return [];
  const shown = upTo(rows, detail.rows, {
    leave,
    of: `rows of what ${which === "idle" ? "takes no effect" : `is ${which}`}`,
  });
  return [
    TITLES[which],
    "",
    ...table(
      ["What", "", "Before", "After", which === "idle" ? "Why" : "Takes effect"],
      shown.map((row) => [
        whoText(row),
        fieldText(row),
        cell(row.before),
        cell(row.after),
        words(row.effect),
      ]),
    ),
  ];
}

function fieldText({ words: said, field }: FieldRow): string {
  return `${cell(said)}${/^[a-z_.]+$/.test(field) && field !== said ? ` ${codeCell(field)}` : ""}`;
}

const NAMES_IN_CELL = 3;

function whoText({ kind, names }: FieldRow): string {
  if (kind === "fleet") return "fleet";
  if (names.length === 1) return `${kind} ${codeCell(names[0] ?? "")}`;
  return `${plural(names.length, kind)}: ${someOf(names.map(codeCell), NAMES_IN_CELL)}`;
}

export function heldLines({ held }: PlanExplanation, detail: Detail, leave: LeftOut): string[] {
  if (held.length === 0) return [];
  const groups = [
    ...Map.groupBy(
      held,
      ({ reason, message, subject }) => `${reason} ${message.replaceAll(subject, "")}`,
    ).values(),
  ];
  const rows = groups.flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const subjects = group.map(({ subject }) => subject);
    return [
      [
        subjects.length === 1
          ? codeCell(first.subject)
          : `${grouped(subjects.length)}: ${someOf(subjects.map(codeCell), NAMES_IN_CELL)}`,
        words(first.message),
      ],
    ];
  });
  return [
    "### ⏸ Held back",
    "",
    ...table(["What", "Why"], upTo(rows, detail.rows, { leave, of: "rows of what is held back" })),
  ];
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return [
    `| ${head.join(" | ")} |`,
    `|${head.map(() => "---").join("|")}|`,
    ...rows.map((row) => `| ${row.join(" | ")} |`),
  ];
}

/** A code span that stands in a table, where a bar would end the cell. */
export function codeCell(text: string): string {
  return code(text).replaceAll("|", "\\|");
}

export function upTo<T>(
  items: readonly T[],
  most: number,
  { leave, of }: { readonly leave: LeftOut; readonly of: string },
): readonly T[] {
  if (items.length > most) leave(`${grouped(items.length - most)} ${of}`);
  return items.slice(0, most);
}

export function folded(summary: string, lines: readonly string[]): string[] {
  const inner = lines.at(-1) === "" ? lines.slice(0, -1) : lines;
  return [`<details><summary>${html(summary)}</summary>`, "", ...inner, "", "</details>"];
}
