import type { PullFacts, ReviewFacts } from "../../core/approvals/judge.ts";
import type { ApprovalPolicy } from "../../core/model/approvals.ts";
import { FactoryError } from "../../core/model/error.ts";
import type { ForgePolicy } from "../../core/model/forge.ts";
import type { CommitSubjects } from "../../ports/commit-subjects.ts";
import type { Forge, Pull, PullReview } from "../../ports/forge.ts";
import { isClosureBranch } from "../closures/closure-pull.ts";

/** Reviewers of one pull request whose rights are asked for; more than that are a mistake, or an attack on our requests. */
const REVIEWERS_MAX = 50;

export interface PullFactsParts {
  readonly forge: Forge;
  readonly forks: ForgePolicy["forks"];
  readonly policy: ApprovalPolicy;
  readonly subjects: Pick<CommitSubjects, "at">;
  /** The branch that is obeyed. */
  readonly branch: string;
}

/** Merged pull requests through which a commit came to the obeyed branch, with all that a judgement of one subject needs. */
export async function pullFactsOf(
  parts: PullFactsParts,
  { commit, subject }: { readonly commit: string; readonly subject: string },
  signal: AbortSignal,
): Promise<readonly PullFacts[]> {
  const pulls = await parts.forge.pullsOf(commit, signal);
  const merged = pulls.filter(({ state, base }) => state === "merged" && base.branch === parts.branch);
  const found: PullFacts[] = [];
  for (const pull of merged) found.push(await factsOf(parts, { pull, subject }, signal));
  return found;
}

async function factsOf(
  parts: PullFactsParts,
  { pull, subject }: { readonly pull: Pull; readonly subject: string },
  signal: AbortSignal,
): Promise<PullFacts> {
  const { number, author } = pull;
  const none = { number, author, committers: [], reviews: [] };
  if (pull.fork && parts.forks === "ignore")
    return { ...none, refused: "it comes from a copy of the repository, and spec.forge.forks ignores those" };
  // Who may push can add to these branches what they like, under any name, and is not their author: so nothing begins by them.
  if (isClosureBranch(pull.head.branch))
    return {
      ...none,
      refused: `it comes from ${pull.head.branch}, which we push to and others can: nobody can tell whose change somebody approved there`,
    };
  const given = await parts.forge.reviews(number, signal);
  const reviewers = new Set(given.map((review) => review.author.toLowerCase()));
  if (reviewers.size > REVIEWERS_MAX)
    throw new FactoryError(
      "approvals/too-many",
      "stall",
      `pull request ${number} has more than ${REVIEWERS_MAX} reviewers`,
    );
  const committers = await parts.forge.committers(number, signal);
  const people = await rightsOf(parts, reviewers, signal);
  const reviews: ReviewFacts[] = [];
  for (const review of given) {
    const rights = people.get(review.author.toLowerCase()) ?? { writes: false, teams: [] };
    const at = review.state === "approved" ? await subjectAt(parts, { pull, review, subject }, signal) : null;
    reviews.push({
      author: review.author,
      state: review.state,
      commit: review.commit,
      subject: at,
      ...rights,
    });
  }
  return { number, author, refused: null, committers, reviews };
}

async function subjectAt(
  { subjects }: PullFactsParts,
  { pull, review, subject }: { readonly pull: Pull; readonly review: PullReview; readonly subject: string },
  signal: AbortSignal,
): Promise<ReviewFacts["subject"]> {
  const found = await subjects.at({ commit: review.commit, ref: pull.head.ref }, signal);
  return found?.get(subject) ?? null;
}

type Rights = Pick<ReviewFacts, "writes" | "teams">;

/** As they are now: who has lost them since has not approved. */
async function rightsOf(
  { forge, policy }: PullFactsParts,
  logins: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Rights>> {
  const teams = [...new Set([...policy.rules, policy.otherwise].flatMap((rule) => rule.teams))];
  const found = new Map<string, Rights>();
  for (const login of logins) {
    const permission = await forge.permission(login, signal);
    const memberOf: string[] = [];
    for (const team of teams) if (await forge.isTeamMember(team, login, signal)) memberOf.push(team);
    found.set(login, { writes: permission === "write" || permission === "admin", teams: memberOf });
  }
  return found;
}
