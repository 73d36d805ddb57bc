import type { Instant } from "./time.ts";

/**
 * Why something does not run. Runnable means: no hold. Each kind is placed and
 * released on its own, so that lifting a pause never lifts a quarantine.
 */
export type HoldKind =
  | "operator" // a person or `spec.state: paused` asked for a pause
  | "budget" // a meter reached its pause threshold; needs a higher number
  | "approval"
  | "freeze" // the lane is frozen by an incident
  | "quarantine" // too many failures; ends by a new generation or by hand
  | "window" // outside of the autonomy window; ends by itself
  | "throttle"
  | "rollout"
  | "stuck"
  | "gate"; // a preparation gate is not met (runbook 3.1 to 3.6); tried again by itself

export interface Hold {
  readonly kind: HoldKind;
  /** Who placed it: `repository`, `operator:<name>`, `supervisor`. */
  readonly owner: string;
  readonly since: Instant;
  /** Stable PascalCase reason. */
  readonly reason: string;
  /** A sentence with the facts. */
  readonly message: string;
  /** What it rests on and can be looked at: a digest, a key, a reading. */
  readonly evidence?: string;
  /** Who or what may clear it. `decision`: the answer to its open question, and nothing less. */
  readonly clearBy: "operator" | "decision" | "repository" | "supervisor" | "anyone";
  /** When it is looked at again by itself, if it is. */
  readonly until?: Instant;
}

/**
 * Why a lane waits whose last instance may live although nothing of it is found. It outlives the mission: the
 * next one would be beside it.
 */
export const DEATH_UNPROVEN = "DeathUnproven";
