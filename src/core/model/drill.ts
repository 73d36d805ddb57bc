import type { Containment } from "./instance.ts";

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

/** Results that are kept. */
export const DRILLS_KEPT_MAX = 200;
