import type { Clock } from "../ports/clock.ts";

/** Notices when time went by without us: a busy event loop, a machine that slept, a clock that was set. */
export interface LagMeter {
  /** Looks at the clock every `everyMs` until the signal aborts. */
  run(everyMs: number, signal: AbortSignal): Promise<void>;
  /** How late the latest look was or is, since this was asked last; work that merely takes long is not late. */
  readMs(): number;
}

/** A look of its own, beside the loop that does the work: a slow listing must not pass for an absence, nor hide one. */
export function createLagMeter(clock: Clock): LagMeter {
  let expected = Number.POSITIVE_INFINITY;
  let latestMs = 0;

  function measure(): void {
    latestMs = Math.max(latestMs, clock.now() - expected);
  }

  return {
    async run(everyMs, signal) {
      while (!signal.aborted) {
        expected = clock.now() + everyMs;
        await clock.sleep(everyMs, signal).catch(() => {});
        measure();
      }
    },
    readMs() {
      measure();
      const lagMs = latestMs;
      latestMs = 0;
      return lagMs;
    },
  };
}
