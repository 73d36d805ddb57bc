/** Keeps a destination that fails from being asked by every row that waits for it. */
import { type Instant, MINUTE_MS } from "../model/time.ts";

/**
 * closed ──5 failures in a row──► open ──one probe a minute──► closed, or open still
 *
 * Not on record: a controller that starts anew finds out again, at the cost of five attempts.
 */
export interface Circuit {
  readonly failures: number;
  /** Null while it is closed. */
  readonly openedAt: Instant | null;
  readonly probedAt: Instant;
}

export const CLOSED: Circuit = { failures: 0, openedAt: null, probedAt: 0 };

const FAILURES_TO_OPEN = 5;
const PROBE_EVERY_MS = MINUTE_MS;

export function afterFailure(circuit: Circuit, at: Instant): Circuit {
  const failures = circuit.failures + 1;
  const opens = circuit.openedAt === null && failures >= FAILURES_TO_OPEN;
  return { failures, openedAt: opens ? at : circuit.openedAt, probedAt: at };
}

/** Whether an attempt may be made now. A clock that was put back must not keep it shut for longer. */
export function mayAttempt(circuit: Circuit, now: Instant): boolean {
  return circuit.openedAt === null || Math.abs(now - circuit.probedAt) >= PROBE_EVERY_MS;
}
