import { setTimeout } from "node:timers/promises";
import type { SteadyClock } from "../../ports/clock.ts";

/** The longest wait that a timer of Node can hold: 2^31 - 1 ms, 24.8 days. Longer ones would fire at once. */
const TIMER_MAX_MS = 2_147_483_647;

/** The machine's clock. The one place in the controller that reads it. */
export function systemClock(): SteadyClock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    async sleep(ms, signal) {
      let leftMs = Math.max(0, ms);
      do {
        const stretchMs = Math.min(leftMs, TIMER_MAX_MS);
        await stretch(stretchMs, signal);
        leftMs -= stretchMs;
      } while (leftMs > 0);
    },
  };
}

/** Rejects with the reason that the signal was given, where Node would wrap it. */
async function stretch(ms: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  try {
    await setTimeout(ms, undefined, { ref: false, ...(signal ? { signal } : {}) });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
