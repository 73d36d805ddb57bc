import { FactoryError } from "../../core/model/error.ts";

/** Questions of one lane that may wait for their turn: more than an agent can have open at once. */
const WAITING_MAX = 100;

/** One at a time per name, in the order in which they came. */
export interface Turns {
  /** Rejects with `ledger/busy` (`retry`) when too many wait. */
  take<T>(name: string, work: () => Promise<T>): Promise<T>;
}

export function createTurns(): Turns {
  const lanes = new Map<string, { waiting: number; last: Promise<unknown> }>();
  return {
    async take(name, work) {
      const lane = lanes.get(name) ?? { waiting: 0, last: Promise.resolve() };
      if (lane.waiting >= WAITING_MAX)
        throw new FactoryError(
          "ledger/busy",
          "retry",
          `${lane.waiting} questions of ${name} wait for an answer`,
        );
      lanes.set(name, lane);
      lane.waiting += 1;
      const turn = lane.last.then(work, work);
      lane.last = turn.catch(() => {});
      try {
        return await turn;
      } finally {
        lane.waiting -= 1;
        if (lane.waiting === 0) lanes.delete(name);
      }
    },
  };
}
