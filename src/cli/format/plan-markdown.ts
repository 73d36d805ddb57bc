import { isEmptyPlan } from "../../core/plan/explain.ts";
import { cell } from "../../core/status/text.ts";
import { countIssues, sortIssues } from "../../documents/issue.ts";
import { budgetText, costText, type ShownPlan } from "./plan-text.ts";
import { plural } from "./words.ts";

/** By this line the comment is found again, so that it can be updated in place. */
export const PLAN_MARKER = "<!-- factory-plan -->";
/** Rows per table: a comment of a forge holds 65,536 characters. */
const ROWS_MAX = 50;

/** The plan as one comment of a pull request. Texts of the proposal are escaped: they cannot bring markup of their own. */
export function planMarkdown({ plan, issues, baseText, headText }: ShownPlan): string {
  const lines = [
    PLAN_MARKER,
    "## Factory plan",
    "",
    isEmptyPlan(plan)
      ? "Merging this starts, stops and changes **nothing**."
      : `Merging this **starts ${plan.starts.length}**, **stops ${plan.stops.length}** and **changes ${plan.changes.length}**; ${plan.held.length} held. It touches ${plan.blast.touched.length} of ${plural(plan.blast.total, "clone")}.`,
    "",
    `Cost ceiling: ${cell(costText(plan))}.`,
    "",
  ];
  const section = (title: string, head: readonly string[], rows: readonly (readonly string[])[]): void => {
    if (rows.length === 0) return;
    lines.push(`### ${title}`, "", `| ${head.join(" | ")} |`, `|${head.map(() => "---").join("|")}|`);
    lines.push(...rows.slice(0, ROWS_MAX).map((row) => `| ${row.map(cell).join(" | ")} |`));
    if (rows.length > ROWS_MAX) lines.push("", `… and ${rows.length - ROWS_MAX} more.`);
    lines.push("");
  };
  section(
    "Starts",
    ["Mission", "Clone", "When", "May cost", "Objective", "Asks before", "Contract"],
    plan.starts.map((start) => [
      `${start.mission} (run ${start.run})`,
      start.clone,
      start.when,
      budgetText(start),
      start.objective,
      start.approvalRequired.join(", ") || "–",
      start.contractHash.slice(0, 19),
    ]),
  );
  section(
    "⚠️ Judged by less than the repository",
    ["Mission", "What its contract says"],
    plan.starts.flatMap((start) => start.judging.map((word) => [start.mission, word])),
  );
  section(
    "Stops",
    ["Clone", "Mission", "Step", "Why"],
    plan.stops.map((stop) => [stop.clone, stop.mission ?? "–", stop.step, stop.reason]),
  );
  section(
    "Changes",
    ["What", "Takes effect", "Fields (class)"],
    plan.changes.map((change) => [
      change.subject,
      change.effect,
      change.fields.map(({ field, class: kind }) => `${field} (${kind})`).join(", ") || "–",
    ]),
  );
  section(
    "⚠️ Rights",
    ["What", "Right", "", "Before", "After"],
    plan.rights.map((right) => [right.subject, right.right, right.direction, right.before, right.after]),
  );
  section(
    "🔑 Secrets",
    ["Clone", "Secret", "From", ""],
    plan.secrets.map((secret) => [secret.clone, secret.name, secret.from, secret.change]),
  );
  section(
    "Held",
    ["What", "Step", "Reason", ""],
    plan.held.map((held) => [held.subject, held.step, held.reason, held.message]),
  );
  section(
    `Files: ${countIssues(issues)}`,
    ["", "Where", "Reason", "What"],
    sortIssues(issues).map((issue) => [
      issue.severity === "error" ? "❌" : "⚠️",
      issue.line === undefined ? issue.file : `${issue.file}:${issue.line}`,
      issue.reason,
      `${issue.field === undefined ? "" : `${issue.field}: `}${issue.message}`,
    ]),
  );
  lines.push(
    `<sub>base ${cell(baseText)} · head ${cell(headText)}${/^[0-9a-f]{40,64}$/.test(plan.head) ? ` (${plan.head.slice(0, 12)})` : ""} · plan <code>${plan.planHash}</code></sub>`,
    "",
  );
  return lines.join("\n");
}
