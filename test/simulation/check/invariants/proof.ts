/** Ends: that fences are respected outside, and proofs of death are true. */
import {
  FENCED_IS_SILENT,
  KILL_ENDS_IN_PROOF,
  leavesRecord,
  watchFences,
  watchKills,
} from "../../../../src/core/check/invariants/proof.ts";
import { FINE, type Finding, found, type Invariant } from "../fact.ts";

/** The reports of an epoch that is over are no longer taken; it brings nothing up. */
const fencedIsSilent: Invariant = {
  ...FENCED_IS_SILENT,
  facts: ["committed", "recorded", "act"],
  watch() {
    const fences = new Map<string, number>();
    const stopping = new Map<string, boolean>();
    const onRecord = watchFences();
    return {
      on(fact, elapsedMs) {
        if (fact.type === "act") {
          const fence = fences.get(fact.clone) ?? 0;
          if (fact.act === "fenced") fences.set(fact.clone, Math.max(fence, fact.epoch));
          const begins = fact.act === "spawned" || fact.act === "agent_started";
          return begins && fact.epoch <= fence
            ? found(fact.clone, null, `${fact.act} in epoch ${fact.epoch}, fenced through ${fence}`)
            : FINE;
        }
        if (fact.type === "committed") {
          const findings: Finding[] = [];
          for (const key of fact.receipts) {
            if (stopping.get(key) === true)
              findings.push(
                ...found(
                  key.split("/")[0] ?? null,
                  null,
                  `report ${key} was taken although its epoch is fenced`,
                ),
              );
          }
          stopping.clear();
          return findings;
        }
        if (fact.type !== "recorded") return FINE;
        const { before, event } = fact;
        if (event.event.type === "instance.reported") {
          const { epoch, report } = event.event;
          const over = before.instance?.epoch !== epoch || before.instance.stopping !== null;
          stopping.set(`${event.clone}/${epoch}/${report.seq}`, over);
        }
        return onRecord.on(fact, elapsedMs);
      },
    };
  },
};

/** The proof is true. */
const killEndsInProof: Invariant = {
  ...KILL_ENDS_IN_PROOF,
  facts: ["recorded", "act"],
  watch() {
    const living = new Map<string, Set<number>>();
    const onRecord = watchKills();
    return {
      on(fact, elapsedMs) {
        if (fact.type === "act") {
          const alive = living.get(fact.clone) ?? new Set();
          living.set(fact.clone, alive);
          if (fact.act === "spawned") alive.add(fact.epoch);
          if (fact.act === "died") alive.delete(fact.epoch);
          return FINE;
        }
        if (fact.type !== "recorded") return FINE;
        const { clone, seq, event } = fact.event;
        const survivors = leavesRecord(fact) === null ? [] : [...(living.get(clone) ?? [])];
        return event.type === "stop.finished" && survivors.length > 0
          ? found(clone, seq, `it is on record as dead while epoch ${survivors.join(", ")} lives`)
          : onRecord.on(fact, elapsedMs);
      },
    };
  },
};

export const PROOF_INVARIANTS: readonly Invariant[] = [fencedIsSilent, killEndsInProof];
