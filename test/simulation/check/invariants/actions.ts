import { NO_ACTION_TWICE, watchLedger } from "../../../../src/core/check/invariants/actions.ts";
import type { LedgerEntry } from "../../../../src/core/check/oracle/ledger.ts";
import { FINE, found, type Invariant, type Recorded } from "../fact.ts";

/** Whoever saw an action done twice is a witness, whatever the ledger says. */
const noActionTwice: Invariant = {
  ...NO_ACTION_TWICE,
  facts: ["recorded", "did", "lost", "rebuilding"],
  watch() {
    const rows = new Map<string, LedgerEntry>();
    const done = new Set<string>();
    const ledger = watchLedger(rows);
    return {
      on(fact, elapsedMs) {
        if (fact.type === "did") {
          const what = `${fact.missionId}/${fact.key}`;
          if (done.has(what))
            return found(fact.clone, null, `${fact.key} was done a second time, by epoch ${fact.epoch}`);
          done.add(what);
          return FINE;
        }
        if (fact.type === "lost" || fact.type === "rebuilding") rows.clear();
        if (fact.type !== "recorded") return FINE;
        // What an instance did unseen before the record was lost is on whoever has looked and lets its lane go on; what stands in the ledger is not.
        if (letsGoUnseen(fact))
          for (const what of done)
            if (what.startsWith(`${fact.event.missionId}/`) && !rows.has(what)) done.delete(what);
        return ledger.on(fact, elapsedMs);
      },
    };
  },
};

function letsGoUnseen({ before, after }: Recorded): boolean {
  const waits = ({ holds }: Recorded["before"]): boolean =>
    holds.some(({ reason }) => reason === "LedgerIncomplete");
  return waits(before) && !waits(after);
}

export const ACTION_INVARIANTS: readonly Invariant[] = [noActionTwice];
