import { FactoryError } from "../../../core/model/error.ts";
import type { Lease } from "../../../ports/lease.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { TermGuard } from "./term.ts";

/**
 * A lease that lies in the record's own database. Whoever has the file open has it to itself, by the operating
 * system's lock, so there is nobody to wait for: every `acquire` is granted at once, with the next term, and ends
 * all terms before it. A grant holds until the next one.
 */
export function createRecordLease(commits: GroupCommit, terms: TermGuard): Lease {
  return {
    async acquire({ holder, above }) {
      const term = await commits.submit(() => terms.grant(holder, above));
      return { term, holder, forMs: null };
    },
    async renew(grant) {
      const { term, holder } = terms.seen();
      if (term <= grant.term) return grant;
      const by = holder === null ? "" : ` to ${holder}`;
      throw new FactoryError(
        "lease/lost",
        "yield",
        `term ${term} was granted${by} after term ${grant.term} of ${grant.holder}`,
      );
    },
    // Nobody waits for it: the lock of the file ends with the process, and the next holder has the next term.
    async release() {},
  };
}
