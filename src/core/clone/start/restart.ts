import { doubledMs } from "../../model/backoff.ts";
import type { RestartPolicy } from "../../model/clone.ts";
import { type CloneState, FAILURES_MAX, type Failure } from "../../model/clone-state.ts";
import { fractionOf } from "../../model/jitter.ts";
import type { Instant } from "../../model/time.ts";

/** Equal failures in a row that quarantine at once: a boot death repeats itself, a restart does not cure it. */
const SAME_SIGNATURE_MAX = 3;

export type RestartVerdict =
  | { readonly type: "restart"; readonly delayMs: number; readonly failures: readonly Failure[] }
  | {
      readonly type: "quarantine";
      readonly reason: string;
      readonly message: string;
      readonly failures: readonly Failure[];
    };

/**
 * What to do after one more failure: start again after a backoff, or stop
 * trying. Failures before a stable stretch are forgotten. The count survives
 * our own restarts, because it is part of the state: a loop that costs money
 * is not set free by killing its supervisor.
 */
export function judgeFailure(
  state: CloneState,
  failure: Failure,
  how: {
    readonly stable: boolean;
    /** The reason why trying again cannot help; null where it may. */
    readonly permanent: string | null;
  },
): RestartVerdict {
  const policy = state.spec?.restart ?? DEFAULT_RESTART;
  const failures = [...(how.stable ? [] : state.failures), failure].slice(-FAILURES_MAX);
  const recent = failures.filter((past) => past.at > failure.at - policy.periodMs);
  if (how.permanent !== null) {
    return {
      type: "quarantine",
      reason: how.permanent,
      message: `trying again cannot help: ${failure.message}`,
      failures,
    };
  }
  const row = failures.slice(-SAME_SIGNATURE_MAX);
  if (row.length === SAME_SIGNATURE_MAX && row.every((past) => past.signature === failure.signature)) {
    return {
      type: "quarantine",
      reason: "SameFailureRepeated",
      message: `failed ${SAME_SIGNATURE_MAX} times in a row in the same way: ${failure.message}`,
      failures,
    };
  }
  if (recent.length > policy.intensity) {
    return {
      type: "quarantine",
      reason: "RestartLimitReached",
      message: `failed ${recent.length} times within ${policy.periodMs / 60_000} min, ${policy.intensity} restarts are allowed; last: ${failure.message}`,
      failures,
    };
  }
  return {
    type: "restart",
    delayMs: backoffMs(policy, recent.length, `${state.name}/${failure.epoch}`),
    failures,
  };
}

/** Full jitter: uniform between 0 and the doubled delay, so that a fleet that fell together does not rise together. */
function backoffMs(policy: RestartPolicy, attempt: number, seed: string): number {
  const ceiling = doubledMs(policy.backoffMs, attempt - 1, policy.backoffMaxMs);
  return Math.round(ceiling * fractionOf(seed));
}

/** Whether an instance lived long enough for its predecessors' failures to be forgotten. */
export function wasStable(
  acceptedAt: Instant | null,
  at: Instant,
  policy: RestartPolicy | undefined,
): boolean {
  return acceptedAt !== null && at - acceptedAt >= (policy ?? DEFAULT_RESTART).stableAfterMs;
}

/** Design section 6: 3 in 10 minutes, 1 s doubling to 60 s, forgotten after 2 minutes. */
export const DEFAULT_RESTART: RestartPolicy = {
  intensity: 3,
  periodMs: 600_000,
  backoffMs: 1_000,
  backoffMaxMs: 60_000,
  stableAfterMs: 120_000,
};
