/** The table of a run: what was injected, what noticed it, after how long, and what was lost. */
import type { ScenarioResult } from "./scenario.ts";

export type Outcome =
  | { readonly type: "played"; readonly result: ScenarioResult }
  /** Not detected, not recovered from, or not within its limit. */
  | { readonly type: "failed"; readonly message: string }
  | { readonly type: "not_possible"; readonly message: string };

export interface Row {
  readonly name: string;
  readonly where: string;
  readonly outcome: Outcome;
  readonly seconds: number;
  /** Processes that were still there when it had ended, as sentences. */
  readonly leftBehind: readonly string[];
}

export interface SuiteReport {
  readonly ok: boolean;
  readonly rows: readonly Row[];
  readonly minutes: number;
}

export function suiteReport(rows: readonly Row[], minutes: number): SuiteReport {
  // What could not be tried proves nothing.
  const tried = rows.some(({ outcome }) => outcome.type !== "not_possible");
  return { ok: tried && rows.every((row) => !isBroken(row)), rows, minutes };
}

export function isBroken({ outcome, leftBehind }: Row): boolean {
  if (leftBehind.length > 0 || outcome.type === "failed") return true;
  return outcome.type === "played" && outcome.result.lost !== null;
}

/** For a terminal and for a page: Markdown. */
export function suiteText({ ok, rows, minutes }: SuiteReport): string {
  const played = rows.filter(({ outcome }) => outcome.type === "played").length;
  const impossible = rows.filter(({ outcome }) => outcome.type === "not_possible").length;
  const broken = rows.filter(isBroken);
  const lines = [
    `# Faults on real processes: ${ok ? "every promise that was tried held" : broken.length > 0 ? "BROKEN PROMISES" : "NOTHING WAS TRIED"}`,
    "",
    `${played} of ${rows.length} scenarios were played in ${minutes} minutes${impossible === 0 ? "" : `; ${impossible} are not possible on this machine`}.`,
    "",
    "| Scenario | Injected | Where | Detected by | After | Recovery | Lost |",
    "|---|---|---|---|---:|---|---|",
    ...rows.map(line),
  ];
  if (broken.length > 0) {
    lines.push("", "Broken:", "");
    for (const { name, outcome, leftBehind } of broken) {
      if (outcome.type === "failed") lines.push(`- ${name}:`, "", ...indented(outcome.message), "");
      else if (outcome.type === "played" && outcome.result.lost !== null)
        lines.push(`- ${name}: ${outcome.result.lost}`);
      for (const one of leftBehind) lines.push(`- ${name} left behind: ${one}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

function line({ name, where, outcome }: Row): string {
  const cells = (parts: readonly string[]): string => `| ${[name, ...parts].map(cell).join(" | ")} |`;
  switch (outcome.type) {
    case "not_possible":
      return cells(["–", where, `not possible here: ${outcome.message}`, "–", "–", "–"]);
    case "failed":
      return cells(["–", where, "FAILED", "–", "–", "unknown"]);
    case "played": {
      const { injected, detected, detectedAfterMs, recovered, recoveredAfterMs, lost } = outcome.result;
      const back = recoveredAfterMs === undefined ? "" : ` (${seconds(recoveredAfterMs)})`;
      const after = detectedAfterMs === null ? "–" : seconds(detectedAfterMs);
      return cells([injected, where, detected, after, `${recovered ?? "–"}${back}`, lost ?? "nothing"]);
    }
  }
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

/** A bar or a line break would begin a new cell. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll(/\s+/g, " ");
}

const COMPLAINT_LINES_MAX = 60;

function indented(text: string): string[] {
  const all = text.split("\n");
  const shown = all.slice(0, COMPLAINT_LINES_MAX).map((one) => `      ${one}`);
  return all.length > shown.length ? [...shown, `      … ${all.length - shown.length} lines more`] : shown;
}
