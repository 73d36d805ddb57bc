/** Epochs and bodies: no clone ever has two. */
import { EPOCHS_ONLY_GROW, watchEpochs } from "../../../../src/core/check/invariants/epochs.ts";
import { FINE, found, type Invariant } from "../fact.ts";

/** By the driver's audit: a clone has at most one living body, and it is the one of the highest epoch that ever lived. */
const oneLivingInstance: Invariant = {
  name: "one-living-instance",
  promise: "at most one instance of a clone lives, and only at the highest epoch",
  facts: ["act"],
  watch() {
    const living = new Map<string, Set<number>>();
    const highest = new Map<string, number>();
    return {
      on(fact) {
        if (fact.type !== "act") return FINE;
        const { clone, epoch } = fact;
        const alive = living.get(clone) ?? new Set();
        living.set(clone, alive);
        if (fact.act === "died") alive.delete(epoch);
        if (fact.act !== "spawned") return FINE;
        const others = [...alive];
        alive.add(epoch);
        const before = highest.get(clone) ?? 0;
        highest.set(clone, Math.max(before, epoch));
        if (others.length > 0)
          return found(clone, null, `epoch ${epoch} came up while epoch ${others.join(", ")} lives`);
        return epoch < before ? found(clone, null, `epoch ${epoch} came up after epoch ${before}`) : FINE;
      },
    };
  },
};

/** Each epoch that was asked for comes up at most once. */
const epochsOnlyGrow: Invariant = {
  ...EPOCHS_ONLY_GROW,
  facts: ["recorded", "act", "lost"],
  watch() {
    const launched = new Set<string>();
    const spawned = new Set<string>();
    const onRecord = watchEpochs(launched);
    return {
      on(fact, elapsedMs) {
        if (fact.type === "act" && fact.act === "spawned") {
          const body = `${fact.clone}/${fact.epoch}`;
          if (spawned.has(body)) return found(fact.clone, null, `epoch ${fact.epoch} came up twice`);
          spawned.add(body);
          return FINE;
        }
        // What was to be launched and is nowhere may be asked for again by the next record.
        if (fact.type === "lost") for (const body of launched) if (!spawned.has(body)) launched.delete(body);
        return fact.type === "recorded" ? onRecord.on(fact, elapsedMs) : FINE;
      },
    };
  },
};

export const EPOCH_INVARIANTS: readonly Invariant[] = [oneLivingInstance, epochsOnlyGrow];
