/** What a proposed commit and the obeyed one give together, without anybody having merged them. */
export interface ProposedMerges {
  /**
   * Merges `head` into `base` in a repository of its own, which holds what strangers propose and nothing that is obeyed.
   * No file is checked out and no program of either side runs. Asked again with the same commits it gives the same one.
   * Rejects `merge/unreachable` (`retry`) and `merge/failed` (`stall`).
   */
  merge(request: MergeRequest, signal: AbortSignal): Promise<ProposedMerge>;
  /**
   * Brings a commit in and gives its repository to `use`; nothing else happens there meanwhile. Null: it is not to be had, or not any
   * more. Rejects `merge/unreachable` (`retry`).
   */
  read<T>(
    commit: ProposedCommit,
    use: (directory: string) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T | null>;
  /**
   * Commits of the obeyed branch that changed one of these files or folders, from `from` back, newest first, each with the commit that
   * the branch stood at before it. `complete`: false where there may be more.
   */
  changes(request: ChangesRequest, signal: AbortSignal): Promise<BranchChanges>;
}

export interface ProposedCommit {
  readonly commit: string;
  /** Where the origin had it once, in full. Null: on the branch that is obeyed. */
  readonly ref: string | null;
}

export interface ChangesRequest {
  readonly from: string;
  readonly paths: readonly string[];
  readonly max: number;
}

export interface BranchChanges {
  readonly changes: readonly { readonly commit: string; readonly before: string | null }[];
  readonly complete: boolean;
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
