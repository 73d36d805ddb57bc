/** Actions on the world outside, as the ledger has them: each at most once, and none that needs a person without one. */
import { needsApproval } from "../../ledger/approval.ts";
import { foldAction, isLedgerEvent } from "../../ledger/row.ts";
import type { ActionRow } from "../../model/action.ts";
import { FINE, found, type Invariant, type RecordWatcher } from "../fact.ts";

/** An action is let go only when its row says that it was not done. */
export const NO_ACTION_TWICE: Invariant = {
  name: "no-action-twice",
  promise: "no action is done twice, whoever claims it and however often",
  facts: ["recorded"],
  watch: () => watchLedger(new Map()),
};

/** `rows`, by `<mission>/<key>`, are what the record says so far. */
export function watchLedger(rows: Map<string, ActionRow>): RecordWatcher {
  return {
    on(fact) {
      if (fact.type !== "recorded") return FINE;
      if (fact.event.event.type === "clone.restored")
        for (const row of fact.event.event.actions) rows.set(`${row.missionId}/${row.key}`, row);
      if (!isLedgerEvent(fact.event.event)) return FINE;
      const { event, seq, clone, missionId, at } = fact.event;
      if (missionId === null) return found(clone, seq, `${event.type} belongs to no mission`);
      const what = `${missionId}/${event.key}`;
      const before = rows.get(what) ?? null;
      const after = foldAction(before, event, { missionId, clone, at });
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

/** The exact action was approved, by as many people as had to, and the approval was not used before. */
const approvedFirst: Invariant = {
  name: "approved-first",
  promise: "an action that needs a person is let go only by an approval of exactly it, and once for each",
  facts: ["recorded"],
  watch() {
    return {
      on(fact) {
        if (fact.type !== "recorded" || fact.event.event.type !== "action.claimed") return FINE;
        const { before, event: recorded } = fact;
        const { event, clone, seq } = { ...recorded, event: fact.event.event };
        if (before.holds.length > 0)
          return found(clone, seq, `${event.action} was let go although the lane is held`);
        const decided = before.mission?.approvals.findLast(({ digest }) => digest === event.digest);
        if (decided?.decision === "denied")
          return found(clone, seq, `${event.action} was let go although it was denied`);
        if (!needsApproval(before, event.action)) return FINE;
        if (decided === undefined || decided.request !== event.approval)
          return found(clone, seq, `${event.action} was let go although nobody has approved it`);
        return FINE;
      },
    };
  },
};

export const ACTION_INVARIANTS: readonly Invariant[] = [NO_ACTION_TWICE, approvedFirst];
