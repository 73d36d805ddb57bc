/** What a proposed commit and the obeyed one give together, without anybody having merged them. */
export interface ProposedMerges {
  /**
   * Merges `head` into `base` in a repository of its own, which holds what strangers propose and nothing that is obeyed.
   * No file is checked out and no program of either side runs. Asked again with the same commits it gives the same one.
   * Rejects `merge/unreachable` (`retry`) and `merge/failed` (`stall`).
   */
  merge(request: MergeRequest, signal: AbortSignal): Promise<ProposedMerge>;
}

export interface MergeRequest {
  /** The commit that is obeyed. */
  readonly base: string;
  readonly head: string;
  /** Where the origin has the head, in full. */
  readonly headRef: string;
}

export type ProposedMerge =
  | { readonly type: "merged"; readonly directory: string; readonly commit: string }
  | { readonly type: "conflict"; readonly paths: readonly string[] }
  /** The origin has another commit there by now. */
  | { readonly type: "moved" };
