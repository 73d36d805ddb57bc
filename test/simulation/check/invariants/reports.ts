/** What shims say arrives: all of it, and as it was said. */
import { REPORTS_ONCE_IN_ORDER, watchReports } from "../../../../src/core/check/invariants/reports.ts";
import { FINE, found, type Invariant } from "../fact.ts";

/** Each report is in the record as it was said; and when the instance is buried, everything that it said is there. */
const reportsOnceInOrder: Invariant = {
  ...REPORTS_ONCE_IN_ORDER,
  facts: ["recorded", "said", "refused"],
  watch() {
    const said = new Map<string, string[]>();
    const taken = new Map<string, number>();
    const onRecord = watchReports(taken);
    return {
      on(fact, elapsedMs) {
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
        const findings = onRecord.on(fact, elapsedMs);
        if (findings !== FINE) return findings;
        const { event, clone, seq } = fact.event;
        if (event.type === "instance.reported") {
          const key = `${clone}/${event.epoch}`;
          const { report } = event;
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
