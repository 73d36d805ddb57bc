/** Epochs and bodies: no clone ever has two. */
import { FINE, type Finding, found, type Invariant } from "../fact.ts";

/** By the driver's audit: a clone has at most one living body, and it is the one of the highest epoch that ever lived. */
const oneLivingInstance: Invariant = {
  name: "one-living-instance",
  promise: "at most one instance of a clone lives, and only at the highest epoch",
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

/** A clone's epoch never falls and rises by one; each is asked for once and comes up at most once. */
const epochsOnlyGrow: Invariant = {
  name: "epochs-only-grow",
  promise: "epochs only grow and each is launched at most once",
  watch() {
    const launched = new Map<string, string>();
    const spawned = new Set<string>();
    return {
      on(fact) {
        if (fact.type === "act" && fact.act === "spawned") {
          const body = `${fact.clone}/${fact.epoch}`;
          if (spawned.has(body)) return found(fact.clone, null, `epoch ${fact.epoch} came up twice`);
          spawned.add(body);
          return FINE;
        }
        // What was to be launched and is nowhere may be asked for again by the next record.
        if (fact.type === "lost")
          for (const body of launched.keys()) if (!spawned.has(body)) launched.delete(body);
        if (fact.type !== "recorded") return FINE;
        const { before, after, effects, event } = fact;
        const findings: Finding[] = [];
        if (after.epoch < before.epoch || after.epoch > before.epoch + 1) {
          findings.push(
            ...found(event.clone, event.seq, `its epoch went from ${before.epoch} to ${after.epoch}`),
          );
        }
        // What was lost with the record is fenced under an epoch that is far above it.
        const below = event.event.type === "clone.restored" || after.instance?.stopping != null;
        const { instance } = after;
        if (instance !== null && (below ? instance.epoch > after.epoch : instance.epoch !== after.epoch)) {
          findings.push(
            ...found(
              event.clone,
              event.seq,
              `epoch ${instance.epoch} is its instance, ${after.epoch} its highest epoch`,
            ),
          );
        }
        for (const effect of effects) {
          if (effect.type !== "launch") continue;
          const key = `${event.clone}/${effect.epoch}`;
          if (effect.epoch <= before.epoch || launched.has(key)) {
            findings.push(...found(event.clone, event.seq, `epoch ${effect.epoch} is launched again`));
          }
          launched.set(key, effect.nonce);
        }
        return findings;
      },
    };
  },
};

export const EPOCH_INVARIANTS: readonly Invariant[] = [oneLivingInstance, epochsOnlyGrow];
