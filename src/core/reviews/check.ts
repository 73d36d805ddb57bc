/** What a check of a proposal says: whether its files can be used, and where they cannot. */
import type { Issue } from "../model/issue.ts";
import { type Waiting, waitingText } from "./order.ts";

export interface Problem {
  readonly path: string;
  readonly line: number;
  readonly level: "failure" | "warning";
  readonly title: string;
  readonly message: string;
}

export interface CheckText {
  readonly conclusion: "success" | "failure" | "pending";
  readonly title: string;
  readonly summary: string;
  readonly problems: readonly Problem[];
}

/** Problems shown at their lines; a proposal with more is not mended one by one. */
export const PROBLEMS_MAX = 300;
/** Files in conflict that are named. */
const PATHS_NAMED_MAX = 20;

/** Errors come first: they decide, and what is left out are warnings as long as there are any. */
export function checkOfPlan(plan: {
  readonly verdict: string;
  readonly issues: readonly Issue[];
}): CheckText {
  const problems = problemsOf(plan.issues);
  const left = plan.issues.length - problems.length;
  const failed = problems.some(({ level }) => level === "failure");
  return {
    conclusion: failed ? "failure" : "success",
    title: plan.verdict,
    summary: [
      failed
        ? "What these files ask for cannot be carried out as it is. What merging them would do all the same stands in the comment of this pull request."
        : "Every file can be used. What merging them would do stands in the comment of this pull request.",
      ...(left === 0 ? [] : [`${left} further problems are not shown here; \`factory validate\` lists all.`]),
    ].join("\n\n"),
    problems,
  };
}

/** As they are shown at their lines: errors first, at most `PROBLEMS_MAX`. */
export function problemsOf(issues: readonly Issue[]): readonly Problem[] {
  const errors = issues.filter(({ severity }) => severity === "error");
  const warnings = issues.filter(({ severity }) => severity !== "error");
  return [...errors, ...warnings].slice(0, PROBLEMS_MAX).map(problemOf);
}

/** The same of a plan that waits: it cannot be told apart from a fine one but by its end. One that cannot be used says so first. */
export function checkWaiting(text: CheckText, waiting: readonly Waiting[]): CheckText {
  if (waiting.length === 0 || text.conclusion !== "success") return text;
  return {
    ...text,
    conclusion: "pending",
    title: `waits for ${waitingText(waiting)}`,
    summary: [
      `Missions and clones are changed by one pull request after the other, and ${waiting.length === 1 ? "that one has" : "those have"} a lower number. This one is planned again by itself as soon as ${waiting.length === 1 ? "it is" : "they are"} merged or closed. To let this one pass first, make the other a draft.`,
      text.summary,
    ].join("\n\n"),
  };
}

/** Of a commit of a merge queue: what it would do there, and what was reviewed. Null hashes: there is nothing to compare. */
export function checkInQueue(
  text: CheckText,
  { reviewed, queued }: { readonly reviewed: PlannedAt | null; readonly queued: PlannedAt },
): CheckText {
  if (text.conclusion !== "success" || reviewed === null || reviewed.planHash === queued.planHash)
    return text;
  return { ...text, conclusion: "failure", title: "stale plan", summary: staleText(reviewed, queued) };
}

export interface PlannedAt {
  readonly planHash: string;
  /** The commit that it was planned on. */
  readonly base: string;
}

export function staleText(reviewed: PlannedAt, now: PlannedAt): string {
  return `The plan that was reviewed is \`${shortHash(reviewed.planHash)}\`, on \`${reviewed.base.slice(0, 12)}\`. On \`${now.base.slice(0, 12)}\` the same change is \`${shortHash(now.planHash)}\`: what was merged before it has changed what it does. Look at its new plan, and merge it again.`;
}

function shortHash(hash: string): string {
  return hash.replace(/^sha256:/, "").slice(0, 12);
}

export function checkOfConflict(paths: readonly string[], base: string): CheckText {
  const named = paths.slice(0, PATHS_NAMED_MAX).map((path) => `- \`${path.replaceAll(/[`\n\r]/g, "'")}\``);
  const left = paths.length - named.length;
  return {
    conclusion: "failure",
    title: `cannot be merged into ${base}: ${paths.length} files are in conflict`,
    summary: [
      "There is no plan of a change that cannot be merged. Bring the branch up to date; it is looked at again by itself.",
      [...named, ...(left > 0 ? [`- … and ${left} more`] : [])].join("\n"),
    ].join("\n\n"),
    problems: [],
  };
}

/** The proposal itself stands in the way of a plan: it takes too long, or more memory than there is for it. */
export function checkOfFailure(message: string): CheckText {
  return {
    conclusion: "failure",
    title: "no plan could be made",
    summary: `${message}\n\nIt is looked at again when the branch or its base moves.`,
    problems: [],
  };
}

function problemOf({ severity, file, line, reason, field, message, found, expected }: Issue): Problem {
  const facts = [
    found === undefined ? [] : [`found ${found}`],
    expected === undefined ? [] : [`expected ${expected}`],
  ].flat();
  const what = `${field === undefined ? "" : `${field}: `}${message}`;
  return {
    path: file,
    line: line ?? 1,
    level: severity === "error" ? "failure" : "warning",
    title: reason,
    message: facts.length === 0 ? what : `${what} (${facts.join(", ")})`,
  };
}
