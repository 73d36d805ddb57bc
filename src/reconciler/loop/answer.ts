/** What a handler may answer, and when its key is looked at again. */
import { doubledMs } from "../../core/model/backoff.ts";
import type { FactoryError } from "../../core/model/error.ts";

/** What a handler makes of its key. Times are of the steady clock: a wall clock that is set moves no wait. */
export type Answer =
  /** Nothing more to do until the key is woken. */
  | { readonly type: "done" }
  /** Look again at that time, or sooner when the key is woken. */
  | { readonly type: "again"; readonly at: number }
  /** Did not succeed; the disposition of the error says what comes next. */
  | { readonly type: "failed"; readonly error: FactoryError }
  /** There is nothing left of this key: it is forgotten with its failures and its rest. What woke it meanwhile begins it anew. */
  | { readonly type: "over" };

export const DONE: Answer = { type: "done" };
export const OVER: Answer = { type: "over" };

/** After the first failure; doubled with every further one of the same key, jittered, forgotten on success. */
const RETRY_MS = 500;
/** Part of a wait that is left to dice, so that keys which failed together do not come back together. */
const JITTER = 0.2;

export interface Circumstances {
  readonly now: number;
  /** In a row, before this answer. */
  readonly failures: number;
  /** Ceiling of the wait after failures. */
  readonly retryMaxMs: number;
  /** Uniform in [0, 1). */
  readonly dice: () => number;
}

/** When a key is looked at again by itself (null: only when it is woken), and its failures in a row. */
export function nextTurn(
  answer: Answer,
  { now, failures, retryMaxMs, dice }: Circumstances,
): { readonly at: number | null; readonly failures: number } {
  const afterMs = (ms: number): number => now + ms * (1 - JITTER * dice());
  if (answer.type === "again") return { at: answer.at, failures: 0 };
  if (answer.type !== "failed") return { at: null, failures: 0 };
  switch (answer.error.disposition) {
    case "wait":
    case "retry":
      return { at: afterMs(doubledMs(RETRY_MS, failures, retryMaxMs)), failures: failures + 1 };
    case "yield":
      return { at: afterMs(RETRY_MS), failures: 0 };
    case "stall":
    case "crash":
      return { at: null, failures: failures + 1 };
  }
}
