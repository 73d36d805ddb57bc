import { traitsOf } from "../../core/proposal/touched.ts";
import { verdictOf } from "../../core/proposal/verdict.ts";
import { countIssues } from "../../documents/issue.ts";
import type { Preview, ProposalLived } from "../../ports/proposal-preview.ts";
import { planOfChange } from "../../reconciler/reviews/plan-of-change.ts";
import { readCommitTree } from "../tree/commit-tree.ts";

export interface ProposalToPlan {
  /** A git repository, which may be bare, that has both commits. */
  readonly directory: string;
  /** The commit that is obeyed. */
  readonly base: string;
  /** What would be obeyed after a merge. */
  readonly merged: string;
  /** As people know the proposal. */
  readonly head: string;
  /** As the installation calls it, so that ids of missions are the same. */
  readonly repository: string;
  readonly lived: ProposalLived;
  readonly now: number;
}

/** Leaves room in a comment for what is put around the plan, and for the marks that keep it from calling anybody. */
const MARKDOWN_BYTES_MAX = 60_000;

/** What merging a proposal would do, for people: the one place in which a review's plan is made. */
export async function planProposal(asked: ProposalToPlan): Promise<Extract<Preview, { type: "planned" }>> {
  const { directory, repository, lived, now } = asked;
  const { explanation, issues, markdown } = await planOfChange({
    base: await readCommitTree(directory, asked.base),
    head: await readCommitTree(directory, asked.merged),
    repository,
    world: {
      type: "told",
      lived: {
        closed: new Set(lived.closed),
        running: new Set(lived.running),
        retired: new Set(lived.retired),
      },
    },
    now,
    baseText: asked.base.slice(0, 12),
    headText: asked.head.slice(0, 12),
    markdownBytesMax: MARKDOWN_BYTES_MAX,
  });
  return {
    type: "planned",
    verdict: `${verdictOf(explanation, issues).does.replace(/\.$/, "")}; ${countIssues(issues)}`,
    markdown,
    planHash: explanation.planHash,
    traits: traitsOf(explanation),
    issues,
  };
}
