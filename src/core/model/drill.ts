import type { Containment } from "./instance.ts";
import { type Instant, MINUTE_MS } from "./time.ts";

/** One proof of the kill on an instance of its own: it is launched, made stubborn, killed, and looked for. */
export interface DrillResult {
  /** ISO time of its beginning. */
  readonly at: string;
  /** The clone whose isolation it was made with, or `canary`. */
  readonly target: string;
  readonly enter: "term" | "now";
  readonly passed: boolean;
  /** From the fence to the proof; null without one. */
  readonly deathMs: number | null;
  readonly containment: Containment | null;
  readonly rung: string | null;
  /** What proves it, or what went wrong. */
  readonly evidence: string;
}

/**
 * Longer than one may take at its worst, the wait for its turn included (`adapters/drill`). One that was begun by a
 * controller that is gone, and left no result by then, leaves none.
 */
export const DRILL_MS_MAX = 5 * MINUTE_MS;

/** Results that are kept. */
export const DRILLS_KEPT_MAX = 200;

/** When `fleet.yaml` wants the kill to be proven, and on whose isolation. */
export interface DrillPlan {
  /** Cron, five fields. */
  readonly schedule: string;
  /** IANA name. */
  readonly timezone: string;
  readonly targets: "canaries" | "all" | readonly string[];
}

/** One that a controller began: on record before anything is launched, so that a crash leaves something to go by. */
export interface BegunDrill {
  readonly target: string;
  /** The round of the schedule for which it is made. */
  readonly dueAt: Instant;
  /** When that was recorded. */
  readonly at: Instant;
}

/** What the record knows of drills. */
export interface DrillBook {
  /** The plan as it was seen first, and when: what fell due before that is nobody's omission. */
  readonly plan: { readonly text: string; readonly since: Instant } | null;
  /** Oldest first: the newest `BOOK_RESULTS_MAX`, and before them failures that nothing has disproved since. */
  readonly results: readonly DrillResult[];
  /** Drills that fell due and were not made in time, as people were told. */
  readonly overdue: readonly OverdueDrill[];
  /** The one that is under way, or was when its controller ended; absent while there is none. */
  readonly begun?: BegunDrill;
}

export interface OverdueDrill {
  /** A clone, or `fleet` when the plan finds none. */
  readonly target: string;
  readonly dueAt: Instant;
  readonly reason: string;
}

export const BOOK_RESULTS_MAX = 50;
export const NO_DRILLS: DrillBook = { plan: null, results: [], overdue: [] };

/** What the book keeps: proofs of others must not push out that the kill is not proven on one. */
export function keptDrills(results: readonly DrillResult[]): readonly DrillResult[] {
  const newest = new Set(newestDrills(results).values());
  const older = results.slice(0, -BOOK_RESULTS_MAX).filter((one) => !one.passed && newest.has(one));
  return [...older, ...results.slice(-BOOK_RESULTS_MAX)].slice(-DRILLS_KEPT_MAX);
}

/** The newest result of each target, by its name. */
export function newestDrills(results: readonly DrillResult[]): ReadonlyMap<string, DrillResult> {
  const newest = new Map<string, DrillResult>();
  for (const result of results) {
    const known = newest.get(result.target);
    if (known === undefined || known.at <= result.at) newest.set(result.target, result);
  }
  const sorted = new Map<string, DrillResult>();
  for (const target of [...newest.keys()].sort()) sorted.set(target, newest.get(target) as DrillResult);
  return sorted;
}
