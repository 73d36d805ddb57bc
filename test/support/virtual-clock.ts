/** A clock that stands still until it is told to go on to the next thing that is due. */
import type { SteadyClock } from "../../src/ports/clock.ts";

export interface VirtualClock extends SteadyClock {
  /** Wakes whoever is due first; false when nobody waits. Ties wake in the order in which they began to wait. */
  step(): Promise<boolean>;
}

interface Sleeper {
  readonly at: number;
  readonly order: number;
  wake(): void;
}

export function createVirtualClock(start = 1_000_000): VirtualClock {
  let now = start;
  let order = 0;
  const sleepers = new Set<Sleeper>();
  return {
    now: () => now,
    monotonic: () => now,
    sleep(ms, signal) {
      if (signal?.aborted === true) return Promise.reject(signal.reason);
      return new Promise((resolve, reject) => {
        order += 1;
        const onAbort = (): void => {
          sleepers.delete(sleeper);
          reject(signal?.reason);
        };
        const sleeper: Sleeper = {
          at: now + ms,
          order,
          wake() {
            signal?.removeEventListener("abort", onAbort);
            resolve();
          },
        };
        signal?.addEventListener("abort", onAbort, { once: true });
        sleepers.add(sleeper);
      });
    },
    async step() {
      let first: Sleeper | null = null;
      for (const sleeper of sleepers) {
        if (
          first === null ||
          sleeper.at < first.at ||
          (sleeper.at === first.at && sleeper.order < first.order)
        )
          first = sleeper;
      }
      if (first === null) return false;
      sleepers.delete(first);
      now = Math.max(now, first.at);
      first.wake();
      await new Promise((resolve) => setImmediate(resolve)); // Everything that follows from it, up to the next wait.
      return true;
    },
  };
}
