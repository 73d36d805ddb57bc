import type { Instant } from "../core/model/time.ts";

/** Reads the time and waits. Only `adapters/system` touches the real clock; the simulator brings its own. */
export interface Clock {
  now(): Instant;
  /** Resolves after `ms`, or rejects with the signal's reason when it aborts first. Never keeps the process alive by itself. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
