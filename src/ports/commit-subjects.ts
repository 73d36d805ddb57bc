import type { Subject } from "../core/model/approvals.ts";
import type { BranchChanges, ProposedCommit } from "./proposed-merges.ts";

/** What people approve, as any commit has it, of the obeyed branch or of a pull request. Nothing of it is obeyed or run. */
export interface CommitSubjects {
  /** By name. Null: the commit is not to be had, or not any more. Rejects with what to do next. */
  at(commit: ProposedCommit, signal: AbortSignal): Promise<ReadonlyMap<string, Subject> | null>;
  /** Commits of the obeyed branch that may have changed one of these files or folders, as `ProposedMerges` says it. */
  changes(
    request: { readonly from: string; readonly paths: readonly string[] },
    signal: AbortSignal,
  ): Promise<BranchChanges>;
}
