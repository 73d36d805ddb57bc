import { FactoryError } from "../../core/model/error.ts";
import type { Clock } from "../../ports/clock.ts";

/** Why the signal of work that has answered is aborted: nobody listens to it any longer. */
const ANSWERED = new FactoryError("work/answered", "yield", "the work that it was for has answered");

/**
 * Runs `work` with a signal that is aborted with the caller's, or once `ms` have passed on the clock: by the
 * controller's clock and not by a timer of its own, so that a simulated controller waits in simulated time.
 * How `work` ends is its own matter; with its answer the wait is over.
 */
export async function withTimeLimit<T>(
  limit: {
    readonly ms: number;
    /** For the error: `the listing of driver process`. */
    readonly what: string;
    readonly clock: Clock;
    readonly signal: AbortSignal;
  },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { ms, what, clock, signal } = limit;
  const until = new AbortController();
  const giveUp = (): void => until.abort(signal.reason);
  if (signal.aborted) giveUp();
  else signal.addEventListener("abort", giveUp, { once: true });
  void clock.sleep(ms, until.signal).then(
    () => until.abort(new FactoryError("work/too-slow", "retry", `${what} took longer than ${ms} ms`)),
    () => {},
  );
  try {
    return await work(until.signal);
  } finally {
    signal.removeEventListener("abort", giveUp);
    until.abort(ANSWERED);
  }
}
