/** Epochs, as the record uses them up. */
import { FINE, type Finding, found, type Invariant, type RecordWatcher } from "../fact.ts";

/** A clone's epoch never falls and rises by one; each is asked for once. */
export const EPOCHS_ONLY_GROW: Invariant = {
  name: "epochs-only-grow",
  promise: "epochs only grow and each is launched at most once",
  facts: ["recorded"],
  watch: () => watchEpochs(new Set()),
};

/** `launched`: those that were asked for so far, as `<clone>/<epoch>`. */
export function watchEpochs(launched: Set<string>): RecordWatcher {
  return {
    on(fact) {
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
        launched.add(key);
      }
      return findings;
    },
  };
}

export const EPOCH_INVARIANTS: readonly Invariant[] = [EPOCHS_ONLY_GROW];
