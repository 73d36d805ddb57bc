import type { Issue } from "../../core/model/issue.ts";
import { isEmptyPlan, type PlanExplanation } from "../../core/plan/explain.ts";
import type { PlannedStart } from "../../core/plan/explain-starts.ts";
import { countIssues, formatIssues } from "../../documents/issue.ts";
import { clip, type Io, oneLine } from "../io.ts";
import { plural, wrap } from "./words.ts";

export interface ShownPlan {
  readonly plan: PlanExplanation;
  readonly issues: readonly Issue[];
  readonly baseText: string;
  readonly headText: string;
}

/** The plan for a terminal: what starts, stops and changes first, then what it may cost and touch. */
export function planText({ plan, issues, baseText, headText }: ShownPlan, io: Io): string {
  const { paint, width } = io;
  const lines: string[] = [
    `${paint("bold", "base")}  ${baseText}`,
    `${paint("bold", "head")}  ${headText}`,
    "",
  ];
  const item = (sign: string, text: string): void => {
    lines.push(
      ...wrap(oneLine(text), width - 4, "")
        .split("\n")
        .map((row, index) => (index === 0 ? `${sign} ${row}` : `    ${row}`)),
    );
  };
  const section = (title: string, count: number): boolean => {
    if (count > 0) lines.push(paint("bold", title));
    return count > 0;
  };
  if (isEmptyPlan(plan)) lines.push("Nothing would change.", "");
  if (section(`Starts (${plan.starts.length})`, plan.starts.length)) {
    for (const start of plan.starts) {
      item(paint("green", "+"), `${start.mission} run ${start.run} on ${start.clone}, ${start.when}`);
      lines.push(`    ${clip(oneLine(start.objective), width - 4)}`);
      lines.push(`    ${clip(budgetText(start), width - 4)}`);
      lines.push(
        `    contract ${start.contractHash.replace("sha256:", "").slice(0, 12)}, isolation ${start.isolation}`,
      );
      if (start.approvalRequired.length > 0) item("   ", `asks before: ${start.approvalRequired.join(", ")}`);
      for (const word of start.judging) item(paint("yellow", "  !"), `judged: ${word}`);
    }
    lines.push("");
  }
  if (section(`Stops (${plan.stops.length})`, plan.stops.length)) {
    for (const stop of plan.stops) {
      item(
        paint("red", "-"),
        `${stop.step} ${stop.mission === null ? "" : `${stop.mission} on `}${stop.clone}: ${stop.reason}`,
      );
    }
    lines.push("");
  }
  if (section(`Changes (${plan.changes.length})`, plan.changes.length)) {
    for (const change of plan.changes) {
      const hash = change.to === null ? "" : ` ${shortHash(change.from)} → ${shortHash(change.to)}`;
      item(
        paint("yellow", "~"),
        `${change.subject}: ${change.effect === "new" ? "new" : `takes effect ${change.effect}`}${change.effect === "new" ? "" : hash}`,
      );
      for (const { field, class: kind } of change.fields)
        lines.push(`    ${clip(`${field} (${kind})`, width - 4)}`);
    }
    lines.push("");
  }
  if (section("Rights", plan.rights.length)) {
    for (const right of plan.rights) {
      const colour =
        right.direction === "widened" ? "red" : right.direction === "narrowed" ? "green" : "yellow";
      item(
        paint(colour, "!"),
        `${right.subject} ${right.right} ${right.direction}: ${right.before} → ${right.after}`,
      );
    }
    lines.push("");
  }
  if (section("Secrets", plan.secrets.length)) {
    for (const secret of plan.secrets)
      item(paint("magenta", "*"), `${secret.clone}: ${secret.name} from ${secret.from}, ${secret.change}`);
    lines.push("");
  }
  if (section(`Held (${plan.held.length})`, plan.held.length)) {
    for (const held of plan.held)
      item(paint("yellow", "="), `${held.subject} ${held.step}: ${held.reason}, ${held.message}`);
    lines.push("");
  }
  lines.push(wrap(`cost   ${costText(plan)}`, width, "       "));
  lines.push(`blast  ${plan.blast.touched.length} of ${plural(plan.blast.total, "clone")} touched`);
  lines.push(`plan   ${plan.planHash}`);
  if (issues.length > 0) {
    lines.push(
      "",
      paint("bold", "Issues in the head"),
      formatIssues(issues, { color: io.color, width }).trimEnd(),
    );
  } else lines.push(`files  ${countIssues(issues)}`);
  return `${lines.join("\n")}\n`;
}

export function budgetText({ budget }: PlannedStart): string {
  const parts = [`${budget.max_runtime_minutes} min`];
  parts.push(budget.max_cost_usd === null ? "no cost limit" : `${budget.max_cost_usd} USD`);
  if (budget.max_llm_calls !== null) parts.push(`${budget.max_llm_calls} LLM calls`);
  return `at most ${parts.join(", ")}`;
}

export function costText({ cost }: PlanExplanation): string {
  if (cost.missions === 0) return "nothing new";
  const usd =
    cost.costUsd === null ? `no limit (${cost.withoutCostLimit.join(", ")})` : `${cost.costUsd} USD`;
  const calls = cost.llmCalls === null ? "no limit on LLM calls" : `${cost.llmCalls} LLM calls`;
  return `at most ${cost.runtimeMinutes} min, ${usd}, ${calls}`;
}

function shortHash(hash: string | null): string {
  return hash === null ? "nothing" : hash.replace("sha256:", "").slice(0, 8);
}
