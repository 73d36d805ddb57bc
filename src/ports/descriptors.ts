import type { MachineProblem } from "../core/status/machine-problem.ts";

/** Whether this process has enough descriptors left for files, programs and connections of its own. */
export interface Descriptors {
  /** What is short, or was a moment ago, and who may be behind it; null: there is enough. Cheap to ask often. */
  problem(): MachineProblem | null;
}

/** All connections of a listener were taken when somebody came: one that was idle was ended for it. */
export interface FullListener {
  readonly where: string;
  readonly connectionsMax: number;
}
