/**
 * Changes that we would like to make to the fleet repository and that people
 * review: each is one commit on a branch of its own. We never write to the
 * branch that is obeyed.
 */
export interface Proposals {
  /**
   * Puts one commit with these files on `base` and pushes it as the branch of this
   * proposal. Safe to repeat: where the branch stands already with the same
   * files nothing is pushed. Tries once. `moved`: the obeyed branch is no
   * longer at `base`; derive the files anew.
   */
  propose(proposal: Proposal, signal: AbortSignal): Promise<ProposalResult>;
}

/** Folders of branches: `factory/propose/…`, and `factory/closure/…` for what becomes of clones. */
export type ProposalFolder = "propose" | "closure";

export interface Proposal {
  /** `propose` where nothing is said. */
  readonly folder?: ProposalFolder;
  /** Last part of the branch's name: lower case, digits, `-`, `.`; at most 100 characters. */
  readonly id: string;
  /** The commit of the obeyed branch from which the files were derived. */
  readonly base: string;
  /** Whole contents by path. */
  readonly files: ReadonlyMap<string, string>;
  readonly subject: string;
  readonly trailers: Readonly<Record<string, string>>;
}

export type ProposalResult =
  | { readonly type: "proposed"; readonly branch: string; readonly commit: string }
  | { readonly type: "moved"; readonly message: string }
  /** Of `closure`: what stands on the branch is not what we pushed there. It was left alone. */
  | { readonly type: "theirs"; readonly branch: string; readonly commit: string; readonly message: string }
  | { readonly type: "failed"; readonly retryable: boolean; readonly message: string };
