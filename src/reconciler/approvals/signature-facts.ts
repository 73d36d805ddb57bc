import type { PullFacts, ReviewFacts } from "../../core/approvals/judge.ts";
import { FactoryError } from "../../core/model/error.ts";
import { sameValue } from "../../core/model/same.ts";
import type { BroughtCommit, CommitSigners } from "../../ports/commit-signers.ts";
import type { CommitSubjects } from "../../ports/commit-subjects.ts";

/**
 * What a commit of the obeyed branch brought, as a judgement by signatures needs it: whoever signed a commit that changes
 * something made it, and whoever signed one that changes nothing approved what its tree says. A change that nobody of the
 * list has signed counts for nothing, because nobody knows who made it.
 */
export async function signatureFactsOf(
  { signers, subjects }: { readonly signers: CommitSigners; readonly subjects: Pick<CommitSubjects, "at"> },
  { commit, subject }: { readonly commit: string; readonly subject: string },
  signal: AbortSignal,
): Promise<readonly PullFacts[]> {
  const brought = await signers.brought(commit, signal);
  if (brought === null)
    throw new FactoryError("approvals/unreadable", "retry", `commit ${commit} of the branch cannot be read`);
  const where = `commit ${commit.slice(0, 12)}`;
  const changes = brought.filter(({ empty }) => !empty);
  const authors = [...new Set(changes.flatMap(({ signer }) => signer ?? []))];
  // Of the branch, no two are brought by the same.
  const facts = { number: 0, where, author: authors[0] ?? "", committers: authors };
  const strange = changes.find(({ signer }) => signer === null);
  if (strange !== undefined) {
    const refused = `${strange.commit.slice(0, 12)} changes something and is not signed by a listed key`;
    return [{ ...facts, refused, reviews: [] }];
  }
  // Otherwise whoever merges could bring back what stood in the tree of an approval and was no part of it.
  if (!(await changesIt(subjects, { changes, subject }, signal)))
    return [
      {
        ...facts,
        refused: `none of the commits that it brought changes ${subject}, only the merge does`,
        reviews: [],
      },
    ];
  const reviews: ReviewFacts[] = [];
  for (const { commit: id, signer, empty } of brought.toReversed()) {
    if (!empty || signer === null) continue;
    const at = await subjects.at({ commit: id, ref: null }, signal);
    const said = { author: signer, state: "approved", commit: id, writes: true, teams: [] } as const;
    reviews.push({ ...said, subject: at?.get(subject) ?? null });
  }
  return [{ ...facts, refused: null, reviews }];
}

async function changesIt(
  subjects: Pick<CommitSubjects, "at">,
  { changes, subject }: { readonly changes: readonly BroughtCommit[]; readonly subject: string },
  signal: AbortSignal,
): Promise<boolean> {
  const at = async (commit: string) =>
    (await subjects.at({ commit, ref: null }, signal))?.get(subject) ?? null;
  for (const { commit, parents } of changes) {
    const after = await at(commit);
    const before = await Promise.all(parents.map(at));
    if (before.every((one) => !sameValue(one, after)) && (after !== null || parents.length > 0)) return true;
  }
  return false;
}
