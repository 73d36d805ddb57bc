import type { Subject } from "../../core/model/approvals.ts";
import { FactoryError } from "../../core/model/error.ts";
import { sameValue } from "../../core/model/same.ts";
import type { CommitSubjects } from "../../ports/commit-subjects.ts";

/** A commit that changed a subject, oldest first. */
export interface SubjectChange {
  readonly commit: string;
  readonly after: Subject;
}

/**
 * Every commit that made a subject what it is at `revision`, from the one that brought its run. `given`: what was in force before by
 * itself; nothing before it is of interest. Rejects `approvals/too-far` where the branch goes back further than is read.
 */
export async function historyOf(
  subjects: CommitSubjects,
  { subject, revision, given }: HistoryRequest,
  signal: AbortSignal,
): Promise<readonly SubjectChange[]> {
  const { changes, complete } = await subjects.changes(
    { from: revision, paths: subject.facts.watched },
    signal,
  );
  const found: SubjectChange[] = [];
  let after = subject;
  for (const { commit, before: parent } of changes) {
    const before =
      parent === null ? null : await subjectAt(subjects, { commit: parent, name: subject.name }, signal);
    if (before !== null && isSame(before, after)) continue;
    found.unshift({ commit, after });
    if (before === null || before.run !== after.run || before.digest === given?.digest) return found;
    after = before;
  }
  if (complete) return found;
  throw new FactoryError(
    "approvals/too-far",
    "stall",
    `${subject.name} came more than ${changes.length} changes ago, further than its history is read; raise its \`spec.run\` by a pull request`,
  );
}

export interface HistoryRequest {
  readonly subject: Subject;
  readonly revision: string;
  readonly given: Subject | null;
}

async function subjectAt(
  subjects: CommitSubjects,
  { commit, name }: { readonly commit: string; readonly name: string },
  signal: AbortSignal,
): Promise<Subject | null> {
  const found = await subjects.at({ commit, ref: null }, signal);
  if (found !== null) return found.get(name) ?? null;
  throw new FactoryError("approvals/unreadable", "retry", `commit ${commit} of the branch cannot be read`);
}

function isSame(a: Subject, b: Subject): boolean {
  return a.run === b.run && a.digest === b.digest && sameValue(a.limits, b.limits);
}
