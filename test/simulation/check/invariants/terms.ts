/** Two controllers on one record: once a newer one has written, nothing of the older one is written any more. */
import { FINE, found, type Invariant } from "../fact.ts";

const newestTermWrites: Invariant = {
  name: "newest-term-writes",
  ofOneRecord: true,
  promise: "once a controller has taken a record over, nothing that the one before it decides is recorded",
  facts: ["committed"],
  watch() {
    let highest = 0;
    return {
      on(fact) {
        if (fact.type !== "committed" || fact.term === undefined) return FINE;
        const { term, events } = fact;
        if (term >= highest) {
          highest = term;
          return FINE;
        }
        return found(
          events[0]?.clone ?? null,
          events[0]?.seq ?? null,
          `a batch of term ${term} is recorded after one of term ${highest}`,
        );
      },
    };
  },
};

export const TERM_INVARIANTS: readonly Invariant[] = [newestTermWrites];
