import type { DatabaseSync } from "node:sqlite";
import { raisesTerm, type SeenTerm } from "../../../core/record/term.ts";

/** The highest term that this database has seen. */
export interface TermGuard {
  seen(): SeenTerm;
  /** Inside of a transaction: throws `store/fenced` for a term that is over, and remembers a higher one. */
  admit(term: number): void;
  /** Inside of a transaction: the next term, for `holder`. */
  grant(holder: string, above: number): number;
}

export function createTermGuard(db: DatabaseSync): TermGuard {
  const read = db.prepare("SELECT term, holder FROM term");
  const write = db.prepare("UPDATE term SET term = ?, holder = ?");

  function seen(): SeenTerm {
    const row = read.get();
    const holder = row?.["holder"];
    return { term: Number(row?.["term"] ?? 0), holder: typeof holder === "string" ? holder : null };
  }

  return {
    seen,
    admit(term) {
      if (raisesTerm(term, seen())) write.run(term, null);
    },
    grant(holder, above) {
      const term = Math.max(seen().term, above) + 1;
      write.run(term, holder);
      return term;
    },
  };
}
