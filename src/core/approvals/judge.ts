/** Whether what is obeyed was approved: a history of one subject, the pull requests that made it, and the rules in force. */
import type { ApprovalPolicy, Approvers, Subject } from "../model/approvals.ts";
import { loosened } from "./loosened.ts";
import { approversText, requirementsFor } from "./rules.ts";

/** A commit of the obeyed branch that changed the subject, and where that came from. */
export interface HistoryStep {
  readonly commit: string;
  readonly after: Subject;
  /** Merged pull requests that brought the commit; none: it was pushed. */
  readonly pulls: readonly PullFacts[];
}

export interface PullFacts {
  readonly number: number;
  /** As it is named to people; `pull request 7` where nothing is said. Where it is said, no two steps are one. */
  readonly where?: string;
  readonly author: string;
  /** Why no approval of it counts; null where they may. */
  readonly refused: string | null;
  /** Everybody who made one of its commits, as far as the forge knows them. */
  readonly committers: readonly string[];
  /** In the order in which they were given. */
  readonly reviews: readonly ReviewFacts[];
}

export interface ReviewFacts {
  readonly author: string;
  readonly state: "approved" | "changes_requested" | "commented" | "dismissed";
  readonly commit: string;
  /** The subject as the reviewed commit has it; null: it has none, or cannot be read any more. */
  readonly subject: Subject | null;
  /** May write to the repository. */
  readonly writes: boolean;
  /** Of the teams that rules name, those that the reviewer is a member of at present. */
  readonly teams: readonly string[];
}

export interface Judgement {
  readonly approved: boolean;
  /** Who approved what, or what is missing: a sentence either way. */
  readonly message: string;
}

/**
 * Whether `target`, which is the subject as the last step left it or tighter, was approved.
 *
 * Every step has to be, because one approval does not cover what came in beside it: a change without approvals is not
 * made good by the approval of the next change. It is by going back to a state that was approved.
 * `steps`: oldest first, from the commit that brought the run; `given`: what held before them without anybody asking.
 */
export function judgeHistory(
  target: Subject,
  steps: readonly HistoryStep[],
  { policy, given = null }: { readonly policy: ApprovalPolicy; readonly given?: Subject | null },
): Judgement {
  const approved: { readonly subject: Subject; readonly message: string }[] =
    given === null ? [] : [{ subject: given, message: "as it was in force before" }];
  let gap: string | null = null;
  for (const step of joined(steps)) {
    const known = approved.find(({ subject }) => covers(subject, step.after));
    if (known !== undefined) {
      gap = null;
      continue;
    }
    const judged = judgeStep(step, policy);
    if (judged.approved && gap === null) approved.push({ subject: step.after, message: judged.message });
    else gap ??= judged.message;
  }
  const found = approved.findLast(({ subject }) => covers(subject, target));
  if (found !== undefined) return { approved: true, message: found.message };
  return { approved: false, message: gap ?? "nothing of its history says who approved it" };
}

/** Whether who approved one has approved the other: the same, within limits that are not looser. */
export function covers(approved: Subject, wanted: Subject): boolean {
  if (approved.digest !== wanted.digest) return false;
  if (approved.limits === null || wanted.limits === null) return approved.limits === wanted.limits;
  return loosened(approved.limits, wanted.limits).length === 0;
}

/** Several commits of one pull request in a row are one step: what was approved is where they end. */
function joined(steps: readonly HistoryStep[]): readonly HistoryStep[] {
  const made: HistoryStep[] = [];
  for (const step of steps) {
    const before = made.at(-1);
    const same = step.pulls.some(
      ({ number, where }) => where === undefined && before?.pulls.some((pull) => pull.number === number),
    );
    if (same) made.pop();
    made.push(step);
  }
  return made;
}

function judgeStep(step: HistoryStep, policy: ApprovalPolicy): Judgement {
  const said = step.pulls.map((pull) => judgePull(pull, step.after, policy));
  const good = said.find(({ approved }) => approved);
  if (good !== undefined) return good;
  const at = step.commit.slice(0, 12);
  return (
    said[0] ?? {
      approved: false,
      message: `commit ${at} brought it without a pull request, so nobody can have approved it; ${remedy(step.after)}`,
    }
  );
}

function remedy({ name, limits }: Subject): string {
  return name === "fleet"
    ? "undo it, and bring it by a pull request"
    : `undo it, or open a pull request that raises \`spec.run\` of ${name}${limits === null ? "" : " or brings it anew"}`;
}

function judgePull(pull: PullFacts, after: Subject, policy: ApprovalPolicy): Judgement {
  const where = pull.where ?? `pull request ${pull.number}`;
  if (pull.refused !== null) return { approved: false, message: `${where} does not count: ${pull.refused}` };
  const latest = latestOf(pull.reviews);
  const against = latest.filter(({ state, writes }) => state === "changes_requested" && writes);
  if (against.length > 0)
    return {
      approved: false,
      message: `${names(against)} asked for changes at ${where} and ${against.length === 1 ? "has" : "have"} not approved since`,
    };
  const needs = requirementsFor(policy, after.facts).map((need) =>
    judgeNeed(need, { pull, latest, after, mode: policy.mode }),
  );
  const missing = needs.filter(({ approved }) => !approved).map(({ message }) => message);
  if (missing.length > 0) return { approved: false, message: `at ${where} ${missing.join("; and ")}` };
  const heads = [...new Set(needs.flatMap(({ by }) => by.map(({ commit }) => commit.slice(0, 12))))];
  const people = [...new Set(needs.flatMap(({ by }) => by.map(({ author }) => author)))];
  return {
    approved: true,
    message: `approved by ${people.join(" and ")} at ${where}, head ${heads.join(", ")}, which says ${after.digest.slice(0, 19)}`,
  };
}

interface Heard {
  readonly pull: PullFacts;
  readonly latest: readonly ReviewFacts[];
  readonly after: Subject;
  readonly mode: ApprovalPolicy["mode"];
}

function judgeNeed(
  need: Approvers,
  { pull, latest, after, mode }: Heard,
): Judgement & { readonly by: readonly ReviewFacts[] } {
  const by: ReviewFacts[] = [];
  const remarks: string[] = [];
  for (const review of latest) {
    const objection = objectionTo(review, { need, pull, after });
    if (objection === null) by.push(review);
    else if (review.state !== "commented") remarks.push(`${review.author} ${objection}`);
  }
  const lacking = need.count - by.length;
  if (lacking <= 0) return { approved: true, message: "", by };
  const what = lacking === 1 ? "1 approval is missing" : `${lacking} approvals are missing`;
  const so = remarks.length === 0 ? "" : `: ${remarks.join(", ")}`;
  return { approved: false, message: `${what}, from ${approversText(need, mode)}${so}`, by };
}

/** Why the last word of a reviewer is no approval that counts; null where it is. */
function objectionTo(
  review: ReviewFacts,
  { need, pull, after }: Pick<Heard, "pull" | "after"> & { readonly need: Approvers },
): string | null {
  if (review.state === "dismissed") return "had approved, and that was dismissed";
  if (review.state !== "approved") return "has not approved";
  if (same(review.author, pull.author)) return "has approved, but is the author";
  if (pull.committers.some((one) => same(one, review.author))) return "has approved, but made commits of it";
  if (!isEntitled(review, need)) return "has approved, but is not entitled to";
  const head = review.commit.slice(0, 12);
  if (review.subject === null) return `has approved head ${head}, in which it cannot be found`;
  return covers(review.subject, after) ? null : `has approved head ${head}, which says something else of it`;
}

function isEntitled({ author, writes, teams }: ReviewFacts, need: Approvers): boolean {
  if (need.people.length + need.teams.length === 0) return writes;
  return need.people.some((one) => same(one, author)) || need.teams.some((team) => teams.includes(team));
}

/** The last word of each; a comment takes nothing back. */
function latestOf(reviews: readonly ReviewFacts[]): readonly ReviewFacts[] {
  const last = new Map<string, ReviewFacts>();
  for (const review of reviews) {
    const key = review.author.toLowerCase();
    if (review.state !== "commented" || !last.has(key)) last.set(key, review);
  }
  return [...last.values()];
}

function names(reviews: readonly ReviewFacts[]): string {
  return reviews.map(({ author }) => author).join(" and ");
}

/** Forges do not tell accounts apart by case. */
function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
