import type { Hold } from "../model/hold.ts";
import { type Instant, MINUTE_MS, SECOND_MS } from "../model/time.ts";

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
/** What was in a pipe when a pause took hold has been read by then. */
export const SETTLE_MS = 500;
/** Failures for what an agent took of its machine begin with this. */
export const RESOURCE_SIGNATURE = "resource:";
/** Characters of a summary or reason that are kept. */
export const TEXT_MAX = 500;
/** Characters of a word to an agent. */
export const MESSAGE_MAX = 2_000;
/** No wait of ours is longer, but a backoff that a clone's file makes longer; one that seems to be was begun before the clock was put back. */
const OWN_WAIT_MAX_MS = 15 * MINUTE_MS;

/** An absence of ours that is this long, or a clock that was set by so much, is noticed; what is shorter may be work. */
export const AWAY_MS = 2 * SECOND_MS;

/**
 * A moment on record as it counts now. What lies ahead of us happened before the clock was put back: just now,
 * where that was by too little to be noticed, else before we noticed it at the latest.
 */
export function pastOf(at: Instant, now: Instant, watchingSince: Instant): Instant {
  if (at <= now) return at;
  return at - now < AWAY_MS ? now : Math.min(watchingSince, now);
}

/** Whether the end of a wait of ours is further away than any wait of ours lasts. */
export function isStretched(until: Instant, now: Instant, declaredMaxMs = 0): boolean {
  return until - now > Math.max(OWN_WAIT_MAX_MS, declaredMaxMs);
}

/** Whether a wait of ours is over, also where a clock that was put back would make it last for hours. */
export function isOver(until: Instant, now: Instant): boolean {
  return until <= now || isStretched(until, now);
}

/** Whether a hold ends by itself now. What we placed ourselves ends soon; a person or a day may mean tomorrow. */
export function hasExpired({ kind, until, clearBy }: Hold, now: Instant): boolean {
  // The window itself says when it is open, also after its file changed; who is rate limited goes on in turn (`throttle.ts`).
  if (until === undefined || kind === "window" || kind === "throttle") return false;
  return clearBy === "supervisor" ? isOver(until, now) : until <= now;
}
