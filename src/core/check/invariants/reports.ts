/** What shims say arrives: all of it, once, in order. */
import { FINE, found, type Invariant } from "../fact.ts";

/**
 * The reports of an epoch stand in the record as 1, 2, 3 … each once and as it
 * was said; and when the instance is buried, everything that it said is there.
 */
const reportsOnceInOrder: Invariant = {
  name: "reports-once-in-order",
  promise: "every report of a shim is in the record exactly once and in order",
  watch() {
    const said = new Map<string, string[]>();
    const taken = new Map<string, number>();
    return {
      on(fact) {
        if (fact.type === "said") {
          const key = `${fact.clone}/${fact.epoch}`;
          const outbox = said.get(key) ?? [];
          said.set(key, outbox);
          outbox[fact.seq - 1] = fact.report;
          return FINE;
        }
        if (fact.type === "refused")
          return found(
            fact.key.split("/")[0] ?? null,
            null,
            `an honest report ${fact.key} was refused with ${fact.status}`,
          );
        if (fact.type !== "recorded") return FINE;
        const { event, clone, seq } = fact.event;
        // Those before stand in the record that was lost.
        if (event.type === "clone.restored" && fact.after.instance !== null)
          taken.set(`${clone}/${fact.after.instance.epoch}`, fact.after.instance.lastSeq);
        if (event.type === "instance.reported") {
          const key = `${clone}/${event.epoch}`;
          const before = taken.get(key) ?? 0;
          const { report } = event;
          if (report.seq <= before)
            return found(clone, seq, `report ${key}/${report.seq} stands in the record twice`);
          if (report.seq !== before + 1)
            return found(clone, seq, `report ${key}/${before + 1} is missing before ${report.seq}`);
          taken.set(key, report.seq);
          const words = said.get(key)?.[report.seq - 1];
          if (said.size > 0 && words !== report.type)
            return found(
              clone,
              seq,
              `report ${key}/${report.seq} says ${report.type}, the shim said ${words ?? "nothing"}`,
            );
        }
        if (event.type === "stop.finished" && !fact.ignored) {
          const key = `${clone}/${event.epoch}`;
          const total = said.get(key)?.length ?? 0;
          const arrived = taken.get(key) ?? 0;
          if (arrived < total)
            return found(
              clone,
              seq,
              `epoch ${event.epoch} is buried with ${arrived} of the ${total} reports that it made`,
            );
        }
        return FINE;
      },
    };
  },
};

export const REPORT_INVARIANTS: readonly Invariant[] = [reportsOnceInOrder];
