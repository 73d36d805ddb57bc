/** How long each rung of an end is given, by who asks for it. */
import type { Graces } from "../agents/ending.ts";

/** The whole ladder of whoever fenced it: hearing of the fence before the stop costs the agent none of its time. */
export const BY_FENCE: Graces = {
  cancelGraceMs: 10_000,
  cancelBusyGraceMs: 2_000,
  stdinGraceMs: 3_000,
  termGraceMs: 10_000,
};
/** For an end that nobody waits for outside: the controller is away. */
export const DEFAULT_GRACES: Graces = {
  cancelGraceMs: 0,
  cancelBusyGraceMs: 0,
  stdinGraceMs: 3_000,
  termGraceMs: 10_000,
};
/** At once at SIGTERM. */
export const BY_KILL_SWITCH: Graces = {
  cancelGraceMs: 0,
  cancelBusyGraceMs: 0,
  stdinGraceMs: 0,
  termGraceMs: 10_000,
};
/** It runs although it was told not to: it is not asked once more. */
export const AT_ONCE: Graces = { cancelGraceMs: 0, cancelBusyGraceMs: 0, stdinGraceMs: 0, termGraceMs: 0 };
/** It has used all of a limit: it may close its files, and no more. */
export const BY_LIMIT: Graces = {
  cancelGraceMs: 0,
  cancelBusyGraceMs: 0,
  stdinGraceMs: 0,
  termGraceMs: 2_000,
};
export const AFTER_LAST_WORD: Graces = {
  cancelGraceMs: 0,
  cancelBusyGraceMs: 0,
  stdinGraceMs: 0,
  termGraceMs: 2_000,
};

/** Of a call of `stop`. */
export function gracesOf(params: Readonly<Record<string, unknown>>): Graces {
  return {
    cancelGraceMs: numberOr(params["cancel_grace_ms"], 0),
    cancelBusyGraceMs: numberOr(params["cancel_busy_grace_ms"], 0),
    stdinGraceMs: numberOr(params["stdin_grace_ms"], DEFAULT_GRACES.stdinGraceMs),
    termGraceMs: numberOr(params["term_grace_ms"], DEFAULT_GRACES.termGraceMs),
  };
}

/** How soon an end comes at SIGTERM; a later call may only be steeper. */
export function steepness({ cancelGraceMs, stdinGraceMs }: Graces): number {
  return cancelGraceMs + stdinGraceMs;
}

export function numberOr(value: unknown, otherwise: number): number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : otherwise;
}
