/** One look at one pull request: what it would do, and that people are told so. */

import { asFactoryError } from "../../core/model/error.ts";
import type { ForgePolicy } from "../../core/model/forge.ts";
import type { PlanTraits } from "../../core/proposal/touched.ts";
import {
  type CheckText,
  checkOfConflict,
  checkOfFailure,
  checkOfPlan,
  checkWaiting,
} from "../../core/reviews/check.ts";
import { commentText } from "../../core/reviews/comment.ts";
import { hasLabels, LABEL_PREFIX, labelsOf } from "../../core/reviews/labels.ts";
import { type Waiting, waitingText } from "../../core/reviews/order.ts";
import {
  type CheckWanted,
  COMMENT_CHARS_MAX,
  type EnsuredCheck,
  type Forge,
  type Pull,
} from "../../ports/forge.ts";
import type {
  Preview,
  ProposalLived,
  ProposalPreview,
  ProposalToPreview,
} from "../../ports/proposal-preview.ts";
import { isClosureBranch } from "../closures/closure-pull.ts";

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
  /** Whom it waits for, once it is known what it would do. Default: nobody. */
  readonly order?: (planned: Planned) => readonly Waiting[];
}

/** What a change would do, on which commit. */
export interface Planned {
  readonly planHash: string;
  readonly base: string;
  readonly head: string;
  readonly traits: PlanTraits;
  /** Its files can be used. */
  readonly usable: boolean;
}

/** `moved`: the origin has another head than the forge told; both are asked again. */
export type Reviewed =
  | {
      readonly type: "reviewed";
      readonly message: string;
      readonly shownAs: EnsuredCheck["as"];
      /** Null: no plan could be made. */
      readonly planned: Planned | null;
    }
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
  const { commit: head, ref: headRef } = pull.head;
  const preview = await previewOf(parts, { base, head, headRef }, signal);
  if (preview.type === "moved") return preview;
  const planned = plannedOf(preview, { base, head: pull.head.commit });
  const waiting = planned === null ? [] : (review.order?.(planned) ?? []);
  const text = checkWaiting(checkText(preview, branch), waiting);
  const check = await forge.ensureCheck(checkWanted(head, text), signal);
  await forge.ensureComment(
    {
      on: pull.number,
      marker: COMMENT_MARKER,
      // The base is none of it: a merge elsewhere that changes nothing here is no news to anybody.
      key: JSON.stringify([pull.head.commit, text, preview.type === "planned" ? preview.planHash : null]),
      body: commentText({
        ...(text.conclusion === "pending" ? { notice: `⏳ **It waits for ${waitingText(waiting)}.**` } : {}),
        markdown: preview.type === "planned" ? preview.markdown : withoutPlan(text),
        charsMax: COMMENT_CHARS_MAX,
        elsewhere: `All of it: \`factory plan --base ${base.slice(0, 12)} --head ${pull.head.commit.slice(0, 12)}\`.`,
      }),
    },
    signal,
  );
  if (policy.labels !== false) await label(review, { planned, text }, signal);
  return { type: "reviewed", message: text.title, shownAs: check.as, planned };
}

/** What the list of pull requests shows of it. Asks nobody where it shows that already. */
async function label(
  { forge, pull }: Review,
  { planned, text }: { readonly planned: Planned | null; readonly text: CheckText },
  signal: AbortSignal,
): Promise<void> {
  const labels = labelsOf({
    traits: planned?.traits ?? null,
    usable: text.conclusion !== "failure",
    waits: text.conclusion === "pending",
    closure: isClosureBranch(pull.head.branch),
  });
  if (hasLabels(pull.labels, labels)) return;
  await forge.ensureLabels({ on: pull.number, prefix: LABEL_PREFIX, labels }, signal);
}

export function plannedOf(
  preview: Looked,
  at: { readonly base: string; readonly head: string },
): Planned | null {
  if (preview.type !== "planned") return null;
  const { planHash, traits, issues } = preview;
  return { ...at, planHash, traits, usable: !issues.some(({ severity }) => severity === "error") };
}

export function checkText(preview: Exclude<Looked, { type: "moved" }>, branch: string): CheckText {
  if (preview.type === "planned") return checkOfPlan(preview);
  return preview.type === "conflict"
    ? checkOfConflict(preview.paths, branch)
    : checkOfFailure(preview.message);
}

export type Looked = Preview | { readonly type: "failed"; readonly message: string };

/** What the proposal itself prevents is told there; trouble of ours is tried again. */
export async function previewOf(
  { preview, lived, now }: ReviewParts,
  { base, head, headRef }: Pick<ProposalToPreview, "base" | "head" | "headRef">,
  signal: AbortSignal,
): Promise<Looked> {
  try {
    return await preview.preview({ base, head, headRef, lived: lived(), now: now() }, signal);
  } catch (error) {
    const { disposition, message } = asFactoryError(error);
    if (disposition !== "stall" || signal.aborted) throw error;
    return { type: "failed", message };
  }
}

export function checkWanted(
  commit: string,
  { conclusion, title, summary, problems }: CheckText,
): CheckWanted {
  return { commit, name: CHECK_NAME, conclusion, title, summary, annotations: problems };
}

function withoutPlan({ title, summary }: CheckText): string {
  return `## Factory plan\n\n**No plan:** ${title}.\n\n${summary}\n`;
}
