import type { PlanStep } from "./step.ts";

/**
 * Every step of a plan, in the bucket that is named by its outcome.
 *
 * The fields stand in the order in which the steps are predicted and recorded: what ends comes
 * before what begins, and starts come last, so that a place which was freed is used. Within a bucket
 * steps go by the name of their clone.
 */
export interface PlanBuckets {
  /** An instance ends: a stray that is not the instance of record, or a mission that its file cancels. */
  readonly stop: readonly PlanStep[];
  /** A running mission is held, because the fleet is `in_core_only` and `guardrails.on_breach` says `pause`. */
  readonly pause: readonly PlanStep[];
  /** The hold of `pause` is released: the fleet's mode is normal again. */
  readonly resume: readonly PlanStep[];
  /** A living mission gets the limits of its file: budget, window, cadence, pause. */
  readonly limit: readonly PlanStep[];
  /** An instance of ours that lives gets its handle on record: its launch was cut off by a restart of ours. */
  readonly adopt: readonly PlanStep[];
  /** An instance that the record takes for alive is proven gone by a complete listing. */
  readonly gone: readonly PlanStep[];
  /** A clone that the record does not have, or no longer, gets its declaration. */
  readonly declare: readonly PlanStep[];
  /** A mission ends because its file was removed. Passed by the deletion guard. */
  readonly withdraw: readonly PlanStep[];
  /** A clone is put away because its file was removed. Passed by the deletion guard. */
  readonly prune: readonly PlanStep[];
  /** A closure goes on: the postmortem that it waited for is merged, or what becomes of its clone. */
  readonly close: readonly PlanStep[];
  /** A clone's changed declaration is taken up; what works goes on and gets it with its next start. */
  readonly update: readonly PlanStep[];
  /** A clone's changed declaration is taken up, and its instance, which was not accepted yet, is started again. */
  readonly replace: readonly PlanStep[];
  /** A mission gets its lane on a clone. */
  readonly assign: readonly PlanStep[];
  /** A mission that never reached a clone goes to the in-core lane. */
  readonly handOver: readonly PlanStep[];
  /** A mission's first or next instance is prepared and, when its gates are met, launched. */
  readonly start: readonly PlanStep[];
}

export type PlanStepType = keyof PlanBuckets;

export const PLAN_STEP_TYPES = [
  "stop",
  "pause",
  "resume",
  "limit",
  "adopt",
  "gone",
  "declare",
  "withdraw",
  "prune",
  "close",
  "update",
  "replace",
  "assign",
  "handOver",
  "start",
] as const satisfies readonly PlanStepType[];

/** Steps that begin something; a record that may not be the true one takes none of them. */
export const BEGINNINGS: ReadonlySet<PlanStepType> = new Set([
  "declare",
  "update",
  "assign",
  "handOver",
  "start",
]);

/** Steps that end what the repository no longer names; they need a repository that can be read when they are recorded. */
export const REMOVALS: ReadonlySet<PlanStepType> = new Set(["withdraw", "prune"]);

/** The steps by outcome, each bucket in their order. */
export function bucketsOf(steps: readonly PlanStep[]): PlanBuckets {
  const buckets = Object.fromEntries(PLAN_STEP_TYPES.map((type) => [type, [] as PlanStep[]])) as Record<
    PlanStepType,
    PlanStep[]
  >;
  for (const step of steps) buckets[step.type].push(step);
  return buckets;
}
