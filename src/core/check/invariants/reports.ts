/** Reports stand in the record once and in order. */
import { FINE, found, type Invariant, type RecordWatcher } from "../fact.ts";

/** Those of an epoch stand there as 1, 2, 3 … each once. */
export const REPORTS_ONCE_IN_ORDER: Invariant = {
  name: "reports-once-in-order",
  promise: "every report of a shim is in the record exactly once and in order",
  facts: ["recorded"],
  watch: () => watchReports(new Map()),
};

/** `taken`: the number of the newest report in the record, by `<clone>/<epoch>`. */
export function watchReports(taken: Map<string, number>): RecordWatcher {
  return {
    on(fact) {
      if (fact.type !== "recorded") return FINE;
      const { event, clone, seq } = fact.event;
      // Those before stand in the record that was lost.
      if (event.type === "clone.restored" && fact.after.instance !== null)
        taken.set(`${clone}/${fact.after.instance.epoch}`, fact.after.instance.lastSeq);
      if (event.type !== "instance.reported") return FINE;
      const key = `${clone}/${event.epoch}`;
      const before = taken.get(key) ?? 0;
      const { report } = event;
      if (report.seq <= before)
        return found(clone, seq, `report ${key}/${report.seq} stands in the record twice`);
      if (report.seq !== before + 1)
        return found(clone, seq, `report ${key}/${before + 1} is missing before ${report.seq}`);
      taken.set(key, report.seq);
      return FINE;
    },
  };
}

export const REPORT_INVARIANTS: readonly Invariant[] = [REPORTS_ONCE_IN_ORDER];
