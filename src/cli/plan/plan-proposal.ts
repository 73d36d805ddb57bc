import { explainPlan, type PlanExplanation } from "../../core/plan/explain.ts";
import { plan } from "../../core/plan/plan.ts";
import { observedOfTree } from "../../core/plan/preview.ts";
import { countIssues } from "../../documents/issue.ts";
import type { Preview, ProposalLived } from "../../ports/proposal-preview.ts";
import { planMarkdown } from "../format/plan-markdown.ts";
import { readCommitTree } from "../tree/commit-tree.ts";
import { desiredOf } from "../tree/tree.ts";

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

/** What merging a proposal would do, for people: the one place in which a review's plan is made. */
export async function planProposal(asked: ProposalToPlan): Promise<Extract<Preview, { type: "planned" }>> {
  const { directory, repository, lived, now } = asked;
  const base = await desiredOf(await readCommitTree(directory, asked.base), repository);
  const head = await desiredOf(await readCommitTree(directory, asked.merged), repository);
  const observed = observedOfTree(base, {
    now,
    lived: {
      closed: new Set(lived.closed),
      running: new Set(lived.running),
      retired: new Set(lived.retired),
    },
  });
  const explained = explainPlan({ base, head, plan: plan({ desired: head, observed, now }), now });
  const { issues } = head;
  return {
    type: "planned",
    verdict: `${verdictOf(explained)}; ${countIssues(issues)}`,
    markdown: planMarkdown({
      plan: explained,
      issues,
      baseText: asked.base.slice(0, 12),
      headText: asked.head.slice(0, 12),
    }),
    planHash: explained.planHash,
    issues,
  };
}

function verdictOf({ starts, stops, changes }: PlanExplanation): string {
  return `starts ${starts.length}, stops ${stops.length}, changes ${changes.length}`;
}
