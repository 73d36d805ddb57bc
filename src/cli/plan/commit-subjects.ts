import type { Subject } from "../../core/model/approvals.ts";
import type { CommitSubjects } from "../../ports/commit-subjects.ts";
import type { ProposedCommit, ProposedMerges } from "../../ports/proposed-merges.ts";
import { desiredOf } from "../../reconciler/reviews/fleet-tree.ts";
import { readCommitTree } from "../tree/commit-tree.ts";

/** Commits of the branch that are looked back; missions that wait are younger than that. */
const CHANGES_MAX = 200;
/** A commit never changes: what was read of it lately is not read again. */
const COMMITS_KEPT = 64;

export function createCommitSubjects({
  merges,
  repository,
}: {
  readonly merges: Pick<ProposedMerges, "read" | "changes">;
  /** As the installation calls it, so that ids of missions are the same. */
  readonly repository: string;
}): CommitSubjects {
  const kept = new Map<string, ReadonlyMap<string, Subject>>();

  async function at(
    commit: ProposedCommit,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Subject> | null> {
    const known = kept.get(commit.commit);
    if (known !== undefined) return known;
    const read = await merges.read(
      commit,
      async (directory) =>
        (await desiredOf(await readCommitTree(directory, commit.commit), repository)).subjects,
      signal,
    );
    if (read === null) return null;
    const found = read ?? new Map<string, Subject>();
    kept.set(commit.commit, found);
    for (const oldest of kept.keys()) {
      if (kept.size <= COMMITS_KEPT) break;
      kept.delete(oldest);
    }
    return found;
  }

  return {
    at,
    changes: (request, signal) => merges.changes({ ...request, max: CHANGES_MAX }, signal),
  };
}
