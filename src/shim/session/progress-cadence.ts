/**
 * How often an agent's progress is reported, as its mission declares it (`report_cadence`). Whatever it is, the
 * progress clock hears every line, and blockers, artifacts and last words are reported at once.
 *
 * - `hybrid`: the newest of a burst, at most one a second.
 * - `interval`: the newest, once per heartbeat interval.
 * - `milestone`: the first, and each that brings the next ten percent.
 */
import type { ReportCadence } from "../../core/model/mission.ts";
import { coalesce } from "./flood-limits.ts";

export interface Progress {
  readonly summary: string;
  readonly percent: number | null;
}

export interface ProgressCadence {
  push(progress: Progress): void;
  /** What waits is from before whatever is reported next. */
  flush(): void;
}

/** Progress is for people and the progress clock; the newest of a burst says it all. */
const BURST_MS = 1_000;
const MILESTONE_PERCENT = 10;

export function createProgressCadence(options: {
  /** As it is in force now: it may change while the mission lives. */
  readonly cadence: () => ReportCadence;
  readonly heartbeatIntervalMs: () => number;
  readonly report: (progress: Progress) => void;
}): ProgressCadence {
  const { cadence, report } = options;
  const paced = coalesce(() => (cadence() === "interval" ? options.heartbeatIntervalMs() : BURST_MS), report);
  let reached = Number.NEGATIVE_INFINITY;

  function isMilestone({ percent }: Progress): boolean {
    const step = Math.floor((percent ?? 0) / MILESTONE_PERCENT);
    if (step <= reached) return false;
    reached = step;
    return true;
  }

  return {
    push(progress) {
      const milestone = isMilestone(progress);
      if (cadence() !== "milestone") paced.push(progress);
      else if (milestone) report(progress);
    },
    flush: () => paced.flush(),
  };
}
