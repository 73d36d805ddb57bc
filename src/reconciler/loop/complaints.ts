import { MINUTE_MS } from "../../core/model/time.ts";
import type { SteadyClock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";

const COMPLAIN_AGAIN_MS = MINUTE_MS;

/** Logs what failed; what fails in the same way many times a second is said once in a while. */
export function createComplaints(parts: {
  readonly clock: SteadyClock;
  readonly log: Log;
}): (what: string, error: unknown) => void {
  const { clock, log } = parts;
  const last = new Map<string, { readonly message: string; readonly at: number }>();
  return (what, error) => {
    const message = String(error);
    const before = last.get(what);
    const now = clock.monotonic();
    if (before?.message === message && now - before.at < COMPLAIN_AGAIN_MS) return;
    last.set(what, { message, at: now });
    log.error(`${what} failed`, {
      error: error instanceof Error ? (error.stack ?? error.message) : message,
    });
  };
}
