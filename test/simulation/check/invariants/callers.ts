/** Who may speak to a controller, and what it owes to those whom it has answered. */
import { FINE, found, type Invariant } from "../fact.ts";

/** Taken, and taken before. */
const TAKEN: ReadonlySet<number> = new Set([200, 208]);

const takenIsKept: Invariant = {
  name: "taken-is-kept",
  promise: "a report that was answered as taken is on record, with all that came before it",
  facts: ["recorded", "answered"],
  watch() {
    /** The newest report on record, by `<clone>/<epoch>`. What was recorded was recorded, also when that is lost. */
    const newest = new Map<string, number>();
    const note = (key: string, seq: number): void =>
      void newest.set(key, Math.max(newest.get(key) ?? 0, seq));
    return {
      on(fact) {
        if (fact.type === "recorded") {
          const { event, clone } = fact.event;
          if (event.type === "instance.reported") note(`${clone}/${event.epoch}`, event.report.seq);
          const restored = event.type === "clone.restored" ? fact.after.instance : null;
          if (restored !== null) note(`${clone}/${restored.epoch}`, restored.lastSeq);
          return FINE;
        }
        if (fact.type !== "answered" || !TAKEN.has(fact.status)) return FINE;
        const known = newest.get(`${fact.clone}/${fact.epoch}`) ?? 0;
        return known >= fact.seq
          ? FINE
          : found(
              fact.clone,
              null,
              `report ${fact.epoch}/${fact.seq} was answered with ${fact.status}, and the record has ${known}`,
            );
      },
    };
  },
};

const strangersAreRefused: Invariant = {
  name: "strangers-are-refused",
  promise: "nobody speaks for an instance with a token that was not made for it, or after its end",
  facts: ["stranger"],
  watch: () => ({
    on: (fact) =>
      fact.type === "stranger" && fact.believed
        ? found(fact.clone, null, `a token that was ${fact.shows} is believed`)
        : FINE,
  }),
};

export const CALLER_INVARIANTS: readonly Invariant[] = [takenIsKept, strangersAreRefused];
