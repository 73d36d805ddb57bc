/** Rate limits are a matter of the whole account: nobody goes on before it is free, and then one after the other. */

import type { CloneState } from "../../model/clone-state.ts";
import { type Instant, MINUTE_MS } from "../../model/time.ts";
import { FINE, found, type Invariant, type RecordWatcher } from "../fact.ts";

/** Between two of one account that are let go. */
const RAMP_MS = 250;
/** A limit that was recorded this long ago was known when somebody was let go. */
const KNOWN_AFTER_MS = MINUTE_MS;

export const ACCOUNT_IN_TURN: Invariant = {
  name: "account-in-turn",
  ofOneRecord: true,
  promise: "of a rate-limited account nobody is let go before it is free, and then one after the other",
  facts: ["recorded"],
  watch: () => watchAccounts(new Map()),
};

/** `lastAt`: when somebody of an account was let go last, by account. */
export function watchAccounts(lastAt: Map<string, Instant>): RecordWatcher {
  const states = new Map<string, CloneState>();
  return {
    on(fact) {
      if (fact.type !== "recorded") return FINE;
      const { event, clone, seq, at } = fact.event;
      states.set(clone, fact.after);
      if (event.type !== "hold.released" || event.kind !== "throttle") return FINE;
      if (event.by.type !== "controller" || event.by.part !== "supervisor") return FINE;
      if (fact.ignored) return FINE;
      const account = accountOf(fact.after);
      const before = lastAt.get(account);
      lastAt.set(account, at);
      if (before !== undefined && Math.abs(at - before) < RAMP_MS)
        return found(clone, seq, `it is let go ${at - before} ms after another one of ${account}`);
      const limited = [...states.values()].find(
        (other) =>
          accountOf(other) === account &&
          other.throttle !== null &&
          other.throttle.since < at - KNOWN_AFTER_MS &&
          other.throttle.until > at &&
          other.throttle.until - at <= other.throttle.waitMs,
      );
      return limited === undefined
        ? FINE
        : found(clone, seq, `it is let go while ${limited.name} of the same account is limited`);
    },
  };
}

/** As its file names it; a clone that names none has one of its own. */
function accountOf({ spec, name }: CloneState): string {
  return spec?.agent.account ?? `clone ${name}`;
}

export const THROTTLE_INVARIANTS: readonly Invariant[] = [ACCOUNT_IN_TURN];
