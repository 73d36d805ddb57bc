import { FactoryError } from "../model/error.ts";

/** The highest term that a record has seen, and who came with it, where that is known. */
export interface SeenTerm {
  readonly term: number;
  readonly holder: string | null;
}

export const NO_TERM: SeenTerm = { term: 0, holder: null };

/**
 * Whether a batch with this term is from a newer holder than all before it, so that the record has to remember the term.
 *
 * Throws `store/fenced` (`yield`) when it is from an older one: somebody else acts on this record, and what was
 * decided under the old term must not become true.
 */
export function raisesTerm(term: number, seen: SeenTerm): boolean {
  if (term >= seen.term) return term > seen.term;
  const by = seen.holder === null ? "" : ` by ${seen.holder}`;
  throw new FactoryError(
    "store/fenced",
    "yield",
    `the record was taken over with term ${seen.term}${by}; nothing of term ${term} is recorded any more`,
  );
}
