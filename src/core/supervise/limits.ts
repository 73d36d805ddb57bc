import { MINUTE_MS, SECOND_MS } from "../model/time.ts";

/** From the recorded intent to `instance.ready`: a cold machine starting many clones at once takes a while. */
export const START_DEADLINE_MS = 90 * SECOND_MS;
/** From handing over to `mission.accepted` (runbook 4.4). */
export const ACCEPT_DEADLINE_MS = 60 * SECOND_MS;
/** A stop without proof is tried again this soon, for ever: nothing replaces an instance that may live. */
export const STOP_RETRY_MS = 30 * SECOND_MS;
/** Judging that could not be done (not: that found something wrong). */
export const JUDGE_RETRY_MS = 10 * SECOND_MS;
export const JUDGE_ATTEMPTS_MAX = 5;
/** A gate that is not met is looked at again after this, doubling up to the maximum. */
export const GATE_RETRY_MS = 5 * SECOND_MS;
export const GATE_RETRY_MAX_MS = 5 * MINUTE_MS;
/** After our own restart nobody is declared silent for at least this long (design section 6). */
export const AMNESTY_MIN_MS = 60 * SECOND_MS;
/** Heartbeat cadence of an instance that has no mission yet. */
export const DEFAULT_HEARTBEAT_MS = 30 * SECOND_MS;
/** Characters of a summary or reason that are kept. */
export const TEXT_MAX = 500;
