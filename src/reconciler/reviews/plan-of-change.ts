/** Two trees, and what merging the one into the other would do: for whoever reviews it, on a command line or a forge. */
import type { Issue } from "../../core/model/issue.ts";
import type { Instant } from "../../core/model/time.ts";
import { approvalNeeds } from "../../core/proposal/approvals.ts";
import { explainPlan } from "../../core/proposal/explain.ts";
import type { ApprovalNeed, PlanExplanation } from "../../core/proposal/explanation.ts";
import { planMarkdown } from "../../core/proposal/markdown.ts";
import { planText } from "../../core/proposal/text.ts";
import type { World } from "../../core/proposal/world.ts";
import { sortIssues } from "../../documents/issue.ts";
import { changedFiles } from "./changed-files.ts";
import { type FleetTree, resolveTree } from "./fleet-tree.ts";

export interface ChangeToPlan {
  /** Null: a fleet that has nothing yet. */
  readonly base: FleetTree | null;
  readonly head: FleetTree;
  /** As the record calls it: ids of missions are made from it. */
  readonly repository: string;
  readonly world: World;
  readonly now: Instant;
  /** How people name the two sides; their commits, where they have no name. */
  readonly baseText?: string;
  readonly headText?: string;
  /** Who has to agree; what the rules of the base ask for, where nothing is said. */
  readonly approvals?: readonly ApprovalNeed[] | null;
  /** Bytes that the comment may have; 65,536 where nothing is said. */
  readonly markdownBytesMax?: number;
}

export interface PlanOfChange {
  readonly explanation: PlanExplanation;
  /** Of the head's files, in their order, and of the base's. */
  readonly issues: readonly Issue[];
  readonly issuesBefore: readonly Issue[];
  /** As one comment of a pull request, with the marker by which it is found again. */
  readonly markdown: string;
  /** As it stands on a terminal of 100 columns, without colours. */
  readonly text: string;
}

const TEXT_COLUMNS = 100;

/**
 * Runs nothing of either tree, and writes nothing. Rejects only where a tree cannot be read.
 *
 * A snapshot of the source is a tree as `{ revision, entries, read: (ids) => snapshot.readBlobs(ids, signal) }`; the world
 * comes from `livedOfStatus`, and with it the name of the repository, where the status branch tells of one.
 */
export async function planOfChange(change: ChangeToPlan): Promise<PlanOfChange> {
  const { base, head, repository, world, now } = change;
  const [before, after] = [
    base === null ? null : await resolveTree(base, repository),
    await resolveTree(head, repository),
  ];
  const changed = await changedFiles(base, head);
  const explanation = explainPlan({
    base: before?.desired ?? null,
    head: after.desired,
    world,
    now,
    approvals: change.approvals ?? approvalNeeds(before?.desired ?? null, after.desired),
    files: {
      changed,
      sourcesOf: (clone) => [...new Set([...(before?.sourcesOf(clone) ?? []), ...after.sourcesOf(clone)])],
    },
  });
  const issues = sortIssues([...(head.issues ?? []), ...after.desired.issues]);
  const issuesBefore = before?.desired.issues ?? [];
  const shown = {
    plan: explanation,
    issues,
    issuesBefore,
    baseText: change.baseText ?? base?.revision ?? "nothing",
    headText: change.headText ?? head.revision,
  };
  const { markdownBytesMax: bytesMax } = change;
  return {
    explanation,
    issues,
    issuesBefore,
    markdown: planMarkdown(shown, bytesMax === undefined ? {} : { bytesMax }),
    text: planText(shown, { width: TEXT_COLUMNS, paint: (_, text) => text }),
  };
}
