/**
 * The branch to which we write back (`factory/status`). We are one writer among
 * possible others: our files win in our paths, everybody else's stay.
 */
export interface StatusBranch {
  /** The tip and our files in it; `commit: null` when the branch does not exist yet. Asks the remote. */
  read(signal: AbortSignal): Promise<{
    readonly commit: string | null;
    readonly files: ReadonlyMap<string, string>;
    /** Paths of ours whose files are larger than what is read (2 MiB); none of what we write is. They are not in `files`. */
    readonly tooLarge: readonly string[];
  }>;

  /**
   * Makes one commit on the current tip and pushes it, comparing and swapping.
   * Answers `unchanged` without a push when the tree would be the same, and
   * `rejected` when another commit was pushed first: then derive the files again and
   * call again. Tries once; waiting and the push budget are the caller's.
   * A push whose answer was lost is found again by its tree, not repeated.
   */
  publish(change: StatusChange, signal: AbortSignal): Promise<PublishResult>;
}

export interface StatusChange {
  /** Whole contents by path. */
  readonly files: ReadonlyMap<string, string>;
  readonly removed: readonly string[];
  readonly subject: string;
  /** Trailers such as `Factory-Observed-Commit`. */
  readonly trailers: Readonly<Record<string, string>>;
}

export type PublishResult =
  | { readonly type: "unchanged"; readonly commit: string | null }
  | { readonly type: "pushed"; readonly commit: string }
  | { readonly type: "rejected"; readonly message: string }
  /** `retryable`: network and server trouble. Otherwise a person has to act: protected branch, hook, no permission. */
  | { readonly type: "failed"; readonly retryable: boolean; readonly message: string };
