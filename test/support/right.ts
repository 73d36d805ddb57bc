import type { FactoryError } from "../../src/core/model/error.ts";
import type { RightToAct } from "../../src/reconciler/record/right-to-act.ts";

/** A right to act with this term, without a lease behind it; lost when the store says so. */
export function rightToAct(term = 1): Pick<RightToAct, "term" | "lost" | "lose"> {
  let lost: FactoryError | null = null;
  return {
    term,
    lost: () => lost,
    lose(cause) {
      lost ??= cause;
    },
  };
}
