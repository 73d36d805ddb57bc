/** One look at one pull request: what it would do, and that people are told so. */

import { asFactoryError } from "../../core/model/error.ts";
import type { ForgePolicy } from "../../core/model/forge.ts";
import { type CheckText, checkOfConflict, checkOfFailure, checkOfPlan } from "../../core/reviews/check.ts";
import { commentText } from "../../core/reviews/comment.ts";
import {
  type CheckWanted,
  COMMENT_CHARS_MAX,
  type EnsuredCheck,
  type Forge,
  type Pull,
} from "../../ports/forge.ts";
import type { Preview, ProposalLived, ProposalPreview } from "../../ports/proposal-preview.ts";

export interface ReviewParts {
  readonly preview: ProposalPreview;
  readonly lived: () => ProposalLived;
  readonly now: () => number;
}

export interface Review {
  readonly pull: Pull;
  readonly forge: Forge;
  readonly policy: ForgePolicy;
  /** The commit that is obeyed, and the branch on which it lies. */
  readonly base: string;
  readonly branch: string;
}

/** `moved`: the origin has another head than the forge told; both are asked again. */
export type Reviewed =
  | { readonly type: "reviewed"; readonly message: string; readonly shownAs: EnsuredCheck["as"] }
  | { readonly type: "ignored"; readonly message: string }
  | { readonly type: "moved" };

/** By which people choose it in the rules of their branch. */
export const CHECK_NAME = "factory";
/** By which the comment is found again. */
export const COMMENT_MARKER = "review";

/**
 * Safe to repeat and to be cut off anywhere: check and comment are each found again and written only where they say
 * something else. The check comes first: it is what may stop a merge.
 */
export async function reviewPull(parts: ReviewParts, review: Review, signal: AbortSignal): Promise<Reviewed> {
  const { pull, forge, policy, base, branch } = review;
  if (pull.fork && policy.forks === "ignore")
    return {
      type: "ignored",
      message: "it comes from a copy of the repository; spec.forge.forks of fleet.yaml says so",
    };
  const preview = await previewOf(parts, review, signal);
  if (preview.type === "moved") return preview;
  const text =
    preview.type === "planned"
      ? checkOfPlan(preview)
      : preview.type === "conflict"
        ? checkOfConflict(preview.paths, branch)
        : checkOfFailure(preview.message);
  const check = await forge.ensureCheck(checkWanted(pull, text), signal);
  await forge.ensureComment(
    {
      on: pull.number,
      marker: COMMENT_MARKER,
      // The base is none of it: a merge elsewhere that changes nothing here is no news to anybody.
      key: JSON.stringify([pull.head.commit, text, preview.type === "planned" ? preview.planHash : null]),
      body: commentText({
        markdown: preview.type === "planned" ? preview.markdown : withoutPlan(text),
        charsMax: COMMENT_CHARS_MAX,
        elsewhere: `All of it: \`factory plan --base ${base.slice(0, 12)} --head ${pull.head.commit.slice(0, 12)}\`.`,
      }),
    },
    signal,
  );
  return { type: "reviewed", message: text.title, shownAs: check.as };
}

type Looked = Preview | { readonly type: "failed"; readonly message: string };

/** What the proposal itself prevents is told there; trouble of ours is tried again. */
async function previewOf(
  { preview, lived, now }: ReviewParts,
  { pull, base }: Review,
  signal: AbortSignal,
): Promise<Looked> {
  try {
    return await preview.preview(
      { base, head: pull.head.commit, headRef: pull.head.ref, lived: lived(), now: now() },
      signal,
    );
  } catch (error) {
    const { disposition, message } = asFactoryError(error);
    if (disposition !== "stall" || signal.aborted) throw error;
    return { type: "failed", message };
  }
}

function checkWanted({ head }: Pull, { conclusion, title, summary, problems }: CheckText): CheckWanted {
  return { commit: head.commit, name: CHECK_NAME, conclusion, title, summary, annotations: problems };
}

function withoutPlan({ title, summary }: CheckText): string {
  return `## Factory plan\n\n**No plan:** ${title}.\n\n${summary}\n`;
}
