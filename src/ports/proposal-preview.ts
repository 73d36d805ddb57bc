import type { Issue } from "../core/model/issue.ts";
import type { PlanTraits } from "../core/proposal/touched.ts";

/**
 * What merging a change would do, worked out without obeying it: in a copy of the repository of its own, with nothing of the
 * change run, and away from the thread that supervises, so that a change made to be slow slows down nobody but its own review.
 */
export interface ProposalPreview {
  /** Settles within a bounded time. Rejects `preview/…` with what to do next. */
  preview(proposal: ProposalToPreview, signal: AbortSignal): Promise<Preview>;
  close(): Promise<void>;
}

export interface ProposalToPreview {
  /** The commit that is obeyed. */
  readonly base: string;
  /** Of the change; where the origin has it: `refs/pull/7/head`. */
  readonly head: string;
  readonly headRef: string;
  /** What the controller knows of missions and clones. */
  readonly lived: ProposalLived;
  readonly now: number;
}

export interface ProposalLived {
  /** Ids of missions that are over. */
  readonly closed: readonly string[];
  /** Names of clones with a living instance. */
  readonly running: readonly string[];
  readonly retired: readonly string[];
}

export type Preview =
  | {
      readonly type: "planned";
      /** One line: what starts, stops and changes. */
      readonly verdict: string;
      /** For people, as Markdown. */
      readonly markdown: string;
      /** Equal plans have equal hashes. */
      readonly planHash: string;
      /** What it is about, and what kind of change it is. */
      readonly traits: PlanTraits;
      /** Of all files as they would be after the merge. */
      readonly issues: readonly Issue[];
    }
  /** It cannot be merged as it is. */
  | { readonly type: "conflict"; readonly paths: readonly string[] }
  /** The origin has another commit there by now: ask the forge again. */
  | { readonly type: "moved" };
