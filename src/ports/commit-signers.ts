/** Who signed the commits of the obeyed branch, by keys that are no part of the repository. */
export interface CommitSigners {
  /**
   * What a commit of the obeyed branch brought: itself, and what is reachable from it and not from its first parent, newest
   * first. Null: it is not to be had. Rejects `approvals/signers` (`stall`) where the list of signers cannot be relied on, or
   * more was brought than is read.
   */
  brought(commit: string, signal: AbortSignal): Promise<readonly BroughtCommit[] | null>;
}

export interface BroughtCommit {
  readonly commit: string;
  /** None: it began the branch. */
  readonly parents: readonly string[];
  /** Who signed it, as the list names the key; null: nobody of the list did, or nobody at all. */
  readonly signer: string | null;
  /** Its tree is that of one of its parents: it says something and changes nothing. */
  readonly empty: boolean;
}
