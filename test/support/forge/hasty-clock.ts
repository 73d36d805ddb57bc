import type { SteadyClock } from "../../../src/ports/clock.ts";

/** The machine's clock, on which every wait is skipped: whoever waits finds that the time has passed. */
export function hastyClock(): SteadyClock & { readonly skippedMs: () => number; skip(ms: number): void } {
  let skipped = 0;
  return {
    now: () => Date.now() + skipped,
    monotonic: () => performance.now() + skipped,
    sleep(ms, signal) {
      if (signal?.aborted === true) return Promise.reject(signal.reason);
      return new Promise((resolve, reject) => {
        setImmediate(() => {
          if (signal?.aborted === true) return reject(signal.reason);
          skipped += ms;
          resolve();
        });
      });
    },
    skippedMs: () => skipped,
    skip(ms) {
      skipped += ms;
    },
  };
}
