/** One look at a commit of a merge queue: the check without which the queue would wait for ever, judged by what that commit would do. */
import { checkInQueue } from "../../core/reviews/check.ts";
import type { EnsuredCheck, Forge, QueuedCommit } from "../../ports/forge.ts";
import { checkText, checkWanted, plannedOf, previewOf, type ReviewParts } from "./review-pull.ts";

export interface QueuedReview {
  readonly entry: QueuedCommit;
  readonly forge: Forge;
  /** The commit that is obeyed, and the branch on which it lies. */
  readonly base: string;
  readonly branch: string;
}

export type ReviewedInQueue =
  | { readonly type: "reviewed"; readonly message: string; readonly shownAs: EnsuredCheck["as"] }
  /** It is no longer in the queue, or never was: its branch only has the name of one. */
  | { readonly type: "ignored"; readonly message: string };

/**
 * What its pull request does is planned once where it stands in the queue and once on what is obeyed, in the same world: where the two
 * differ, what was reviewed is not what would be merged. Safe to repeat and to be cut off anywhere.
 */
export async function reviewQueued(
  parts: ReviewParts,
  { entry, forge, base, branch }: QueuedReview,
  signal: AbortSignal,
): Promise<ReviewedInQueue> {
  const pull = await forge.pull(entry.number, signal);
  if (pull === null || pull.state !== "open" || pull.base.branch !== branch)
    return { type: "ignored", message: `pull request ${entry.number} is not open` };
  // Its own check says whether it waits for others; a branch that is named like the queue's does not speak for it.
  if (pull.head.commit === entry.commit)
    return { type: "ignored", message: "it is the head of its pull request" };
  const { commit: head, ref: headRef } = entry;
  const preview = await previewOf(parts, { base: entry.base, head, headRef }, signal);
  if (preview.type === "moved") return { type: "ignored", message: "its branch has moved or is gone" };
  const plain = checkText(preview, branch);
  const queued = plannedOf(preview, { base: entry.base, head });
  let text = plain;
  // Directly behind what is obeyed nothing has come between.
  if (queued !== null && entry.base !== base) {
    const { commit, ref } = pull.head;
    const before = await previewOf(parts, { base, head: commit, headRef: ref }, signal);
    text = checkInQueue(plain, { reviewed: plannedOf(before, { base, head: commit }), queued });
  }
  const check = await forge.ensureCheck(checkWanted(head, text), signal);
  return { type: "reviewed", message: text.title, shownAs: check.as };
}
