import type { Instant } from "../core/model/time.ts";

/** Reads the time and waits. Only `adapters/system` touches the real clock; the simulator brings its own. */
export interface Clock {
  now(): Instant;

  /** Resolves after `ms`, or rejects with the signal's reason when it aborts first. Never keeps the process alive by itself. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** A clock that can also tell time that passed from a clock that was set. */
export interface SteadyClock extends Clock {
  /** Milliseconds since some fixed moment, by a clock that nobody sets and that may stand still while the machine sleeps. */
  monotonic(): number;
}
