import { sameValue } from "../../../../src/core/model/same.ts";
import { FINE, type Finding, found, type Invariant, type OpenEffect } from "../fact.ts";

/** Every effect is written in the transaction that asked for it, and stays until it is settled. */
const effectsKept: Invariant = {
  name: "effects-kept",
  ofOneRecord: true,
  promise: "effects are settled or pending, never lost",
  facts: ["committed", "recorded"],
  watch() {
    const open = new Map<string, OpenEffect>();
    let asked: OpenEffect[] = [];
    return {
      on(fact) {
        if (fact.type === "recorded") {
          fact.effects.forEach((effect, index) => {
            asked.push({
              id: `${fact.event.clone}/${fact.after.version}/${index}`,
              clone: fact.event.clone,
              effect,
            });
          });
          return FINE;
        }
        if (fact.type !== "committed") return FINE;
        const findings: Finding[] = [];
        for (const wanted of asked) {
          const written = fact.effects.find((other) => other.id === wanted.id);
          if (written === undefined || !sameValue(written.effect, wanted.effect))
            findings.push(
              ...found(
                wanted.clone,
                null,
                `effect ${wanted.id} (${wanted.effect.type}) was asked for and not written`,
              ),
            );
        }
        if (fact.effects.length > asked.length)
          findings.push(...found(null, null, "an effect was written that no event asked for"));
        for (const effect of fact.effects) open.set(effect.id, effect);
        for (const id of fact.settled) open.delete(id);
        asked = [];
        return findings;
      },
      at(moment) {
        const stored = new Set(moment.effects.map(({ id }) => id));
        const lost = [...open.values()].filter(({ id }) => !stored.has(id));
        return lost.flatMap(({ id, clone, effect }) =>
          found(clone, null, `effect ${id} (${effect.type}) is neither settled nor pending`),
        );
      },
    };
  },
};

export const EFFECT_INVARIANTS: readonly Invariant[] = [effectsKept];
