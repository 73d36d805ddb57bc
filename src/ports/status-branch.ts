/**
 * The branch to which we write back (`factory/status`). We are one writer among
 * possible others: our files win in our paths, everybody else's stay.
 */
export interface StatusBranch {
  /** The tip and our files in it; `commit: null` when the branch does not exist yet. Asks the remote. */
  read(signal: AbortSignal): Promise<StatusReading>;

  /**
   * Makes one commit on the current tip and pushes it, comparing and swapping.
   * Answers `unchanged` without a push when the tree would be the same, and
   * `rejected` when another commit was pushed first: then derive the files again and
   * call again. Tries once; waiting and the push budget are the caller's.
   * A push whose answer was lost is found again by its tree, not repeated.
   */
  publish(change: StatusChange, signal: AbortSignal): Promise<PublishResult>;
}

export interface StatusReading {
  readonly commit: string | null;
  readonly files: ReadonlyMap<string, string>;
  /** Paths of ours whose files are larger than what is read (2 MiB); none of what we write is. They are not in `files`. */
  readonly tooLarge: readonly string[];
  /** Who wrote it; absent where nobody looks at signatures. */
  readonly proof?: StatusProof;
}

/** Anybody who may push can write anything: what is believed is what a key stands behind. */
export interface StatusProof {
  /**
   * The newest state that can be believed. `own`: signed with our key, or remembered as what we pushed last. `listed`: signed with a key
   * that we were told to believe. `other`: signed, with a key that nobody vouches for. `none`: the tip, unsigned.
   */
  readonly by: "own" | "listed" | "other" | "none";
  readonly key: string | null;
  readonly commit: string | null;
  readonly files: ReadonlyMap<string, string>;
  /** Newer than that, signed by a key that nobody vouches for: another installation says that it took over, or somebody plays one. */
  readonly claim: StatusClaim | null;
  /** Commits on top of it that changed our files and that nobody vouches for; newest first, the first fifty. */
  readonly strangers: readonly StrangersCommit[];
  /** What we pushed last is not in the branch's history any more: it was put back, replaced or (`to: null`) deleted. */
  readonly rewound: { readonly from: string; readonly to: string | null } | null;
}

export interface StatusClaim {
  readonly key: string;
  readonly commit: string;
  readonly files: ReadonlyMap<string, string>;
}

export interface StrangersCommit {
  readonly commit: string;
  /** As the commit says: anybody can write anything there. */
  readonly author: string;
  /** Of ours; the first ten. */
  readonly files: readonly string[];
}

export interface StatusChange {
  /** Whole contents by path. */
  readonly files: ReadonlyMap<string, string>;
  readonly removed: readonly string[];
  readonly subject: string;
  /** Trailers such as `Factory-Observed-Commit`. */
  readonly trailers: Readonly<Record<string, string>>;
  /** `rejected` unless our files stand as they stood at that commit, as `read` or `publish` gave it: others may have written elsewhere. */
  readonly asOf?: string | null;
}

export type PublishResult =
  | { readonly type: "unchanged"; readonly commit: string | null }
  | { readonly type: "pushed"; readonly commit: string }
  | { readonly type: "rejected"; readonly message: string }
  /** `retryable`: network and server trouble. Otherwise a person has to act: protected branch, hook, no permission. */
  | { readonly type: "failed"; readonly retryable: boolean; readonly message: string };
