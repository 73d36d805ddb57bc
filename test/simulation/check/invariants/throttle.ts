import { ACCOUNT_IN_TURN, watchAccounts } from "../../../../src/core/check/invariants/throttle.ts";
import type { Instant } from "../../../../src/core/model/time.ts";
import { FINE, type Invariant } from "../fact.ts";

/** A clock that was set makes distances between recorded times meaningless. */
const accountInTurn: Invariant = {
  ...ACCOUNT_IN_TURN,
  facts: ["recorded", "jumped"],
  watch() {
    const lastAt = new Map<string, Instant>();
    const onRecord = watchAccounts(lastAt);
    return {
      on(fact, elapsedMs) {
        if (fact.type === "jumped") lastAt.clear();
        return fact.type === "recorded" ? onRecord.on(fact, elapsedMs) : FINE;
      },
    };
  },
};

export const THROTTLE_INVARIANTS: readonly Invariant[] = [accountInTurn];
