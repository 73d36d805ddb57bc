import type { SteadyClock } from "../../ports/clock.ts";

/** Notices when time went by without us: a busy event loop, a process that was stopped, a machine that slept, a clock that was set. */
export interface LagMeter {
  /** Looks at the clock every `everyMs` until the signal aborts. */
  run(everyMs: number, signal: AbortSignal): Promise<void>;
  /**
   * How late the latest look was or is, since this was asked last; work that merely takes long is not late.
   * A clock that was set by so much, forwards or back, counts as an absence of that length: what we
   * hold against others is measured by it.
   */
  readMs(): number;
}

/** A look of its own, beside the loop that does the work: a slow listing must not pass for an absence, nor hide one. */
export function createLagMeter(clock: SteadyClock): LagMeter {
  let expected = Number.POSITIVE_INFINITY;
  let latestMs = 0;
  let wall = clock.now();
  let steady = clock.monotonic();

  function measure(): void {
    const wallNow = clock.now();
    const steadyNow = clock.monotonic();
    const setByMs = Math.abs(wallNow - wall - (steadyNow - steady));
    wall = wallNow;
    steady = steadyNow;
    latestMs = Math.max(latestMs, steadyNow - expected, setByMs);
  }

  return {
    async run(everyMs, signal) {
      while (!signal.aborted) {
        expected = clock.monotonic() + everyMs;
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
