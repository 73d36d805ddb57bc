/** After a merge: whether what came to the branch does what its plan said, which was made on what stood there before. */
import { type PlannedAt, staleText } from "../../core/reviews/check.ts";
import { commentText } from "../../core/reviews/comment.ts";
import type { CommitSubjects } from "../../ports/commit-subjects.ts";
import { COMMENT_CHARS_MAX, type Forge, type Pull } from "../../ports/forge.ts";
import { type Planned, plannedOf, previewOf, type ReviewParts } from "./review-pull.ts";

/** Commits that one pull request brought one after the other, as a rebase does; of more it is not looked at. */
const OWN_COMMITS_MAX = 30;
/** Of the comment that says so, beside the one with the plan. */
export const STALE_MARKER = "stale-plan";

/**
 * Both are planned now, in the same world, so that only what was merged in between can make them differ. Answers with what was said; null
 * where nothing was: the plan holds, or it cannot be known any more. Safe to repeat.
 */
export async function tellStale(
  parts: ReviewParts & { readonly subjects: Pick<CommitSubjects, "changes"> },
  { forge, pull, shown }: { readonly forge: Forge; readonly pull: Pull; readonly shown: Planned },
  signal: AbortSignal,
): Promise<string | null> {
  const said = await differenceOf(parts, { forge, pull, shown }, signal);
  if (said === null) return null;
  const markdown = `## Stale plan\n\n${said} It is merged, and what stands on the branch is obeyed as far as its approvals reach. \`factory status\` and \`factory why\` say what became of it.`;
  await forge.ensureComment(
    {
      on: pull.number,
      marker: STALE_MARKER,
      key: said,
      body: commentText({ markdown, charsMax: COMMENT_CHARS_MAX, elsewhere: "" }),
    },
    signal,
  );
  return said;
}

async function differenceOf(
  parts: ReviewParts & { readonly subjects: Pick<CommitSubjects, "changes"> },
  { forge, pull, shown }: { readonly forge: Forge; readonly pull: Pull; readonly shown: Planned },
  signal: AbortSignal,
): Promise<string | null> {
  if (pull.mergeCommit === null) return null;
  const { commit: head, ref: headRef } = pull.head;
  if (head !== shown.head)
    return `The plan that was shown is of \`${shown.head.slice(0, 12)}\`, hash \`${shown.planHash.replace(/^sha256:/, "").slice(0, 12)}\`; \`${head.slice(0, 12)}\` was merged, which was not planned.`;
  const base = await stoodBefore(parts, { forge, pull, commit: pull.mergeCommit }, signal);
  if (base === null || base === shown.base) return null;
  const now = plannedOf(await previewOf(parts, { base, head, headRef }, signal), { base, head });
  const then = plannedOf(await previewOf(parts, { base: shown.base, head, headRef }, signal), shown);
  if (now === null || then === null || now.planHash === then.planHash) return null;
  return staleText(hashes(then), hashes(now));
}

function hashes({ planHash, base }: Planned): PlannedAt {
  return { planHash, base };
}

/** The commit of the branch that the pull request was merged onto; null: it cannot be told. */
async function stoodBefore(
  { subjects }: { readonly subjects: Pick<CommitSubjects, "changes"> },
  { forge, pull, commit }: { readonly forge: Forge; readonly pull: Pull; readonly commit: string },
  signal: AbortSignal,
): Promise<string | null> {
  const { changes } = await subjects.changes({ from: commit, paths: ["."] }, signal);
  for (const [index, { commit: one, before }] of changes.slice(0, OWN_COMMITS_MAX).entries()) {
    if (index === 0 && one !== commit) return null;
    if (before === null) return null;
    const brought = await forge.pullsOf(before, signal);
    if (!brought.some(({ number, state }) => number === pull.number && state === "merged")) return before;
  }
  return null;
}
