/** Actions on the world outside, as the ledger has them: each at most once, and none that needs a person without one. */
import { FINE, found, type Invariant, type RecordWatcher } from "../fact.ts";
import { createApprovalBook } from "../oracle/approvals.ts";
import { entryAfter, isOfLedger, type LedgerEntry } from "../oracle/ledger.ts";

/** An action is let go only when what is known of it says that it was not done. */
export const NO_ACTION_TWICE: Invariant = {
  name: "no-action-twice",
  promise: "no action is done twice, whoever claims it and however often",
  facts: ["recorded"],
  watch: () => watchLedger(new Map()),
};

/** `rows`, by `<mission>/<key>`, are what the record says so far. */
export function watchLedger(rows: Map<string, LedgerEntry>): RecordWatcher {
  return {
    on(fact) {
      if (fact.type !== "recorded") return FINE;
      if (fact.event.event.type === "clone.restored")
        for (const { missionId, key, state, epoch } of fact.event.event.actions)
          rows.set(`${missionId}/${key}`, { state, epoch });
      if (!isOfLedger(fact.event.event)) return FINE;
      const { event, seq, clone, missionId } = fact.event;
      if (missionId === null) return found(clone, seq, `${event.type} belongs to no mission`);
      const what = `${missionId}/${event.key}`;
      const before = rows.get(what) ?? null;
      const after = entryAfter(before, event);
      if (after !== null) rows.set(what, after);
      if (event.type === "action.claimed" && before !== null && before.state !== "failed")
        return found(
          clone,
          seq,
          `${event.action} was let go although it is ${before.state} since epoch ${before.epoch}`,
        );
      if (event.type === "action.remembered")
        return before?.state === "committed" && event.state !== "committed"
          ? found(clone, seq, `${event.action} is told to be ${event.state} although it was done before`)
          : FINE;
      if (event.type !== "action.claimed" && before === null)
        return found(clone, seq, `${event.type} tells of an action that was never claimed`);
      if (event.type === "action.completed" && before?.state === "committed")
        return found(clone, seq, `${event.key} is ${event.outcome} although it was done before`);
      return FINE;
    },
  };
}

/** The exact action was approved, by as many people as had to and by none who asked for it, and the approval was not used before. */
const approvedFirst: Invariant = {
  name: "approved-first",
  promise: "an action that needs a person is let go only by an approval of exactly it, and once for each",
  facts: ["recorded"],
  watch() {
    const book = createApprovalBook();
    return {
      on(fact) {
        if (fact.type !== "recorded") return FINE;
        book.take(fact);
        if (fact.event.event.type !== "action.claimed") return FINE;
        const { event, clone, seq } = { ...fact.event, event: fact.event.event };
        const say = (why: string) => found(clone, seq, `${event.action} was let go although ${why}`);
        if (fact.before.holds.length > 0) return say("the lane is held");
        if (book.denied(clone, event.digest)) return say("it was denied");
        if (!book.needed(clone, event.action)) return FINE;
        const objection = book.objection(clone, { digest: event.digest, request: event.approval });
        if (objection !== null) return say(objection);
        if (event.approval !== null) book.use(clone, event.approval);
        return FINE;
      },
    };
  },
};

export const ACTION_INVARIANTS: readonly Invariant[] = [NO_ACTION_TWICE, approvedFirst];
