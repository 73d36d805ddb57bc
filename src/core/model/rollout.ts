import type { DesiredClone } from "./clone.ts";
import type { Instant } from "./time.ts";

/**
 * How a changed overlay or baseline reaches the clones that are made of it.
 *
 * Clones with the same baseline and the same overlays are a *group*. What the
 * group is known to work with is its *stable* digest. A new one is a
 * *candidate*: `canary` clones that have work get it first, the others keep
 * what they have. Once the canaries were healthy for `min_healthy_time`, or
 * finished a mission that was accepted, the candidate is the new stable. A canary that fails, or is
 * not healthy by `progress_deadline`, refuses it: the canaries go back to the
 * stable digest, never to "the one before", and the group stays there until
 * the repository says something else.
 */
export interface Rollout {
  readonly group: string;
  readonly stable: string | null;
  readonly candidate: Candidate | null;
  readonly refused: RefusedCandidate | null;
  /** Newest last, at most `TURNS_MAX`. */
  readonly turns: readonly RolloutTurn[];
}

export interface Candidate {
  readonly digest: string;
  readonly revision: string;
  readonly since: Instant;
  /** By clone: what it was before, so that it can go back. */
  readonly canaries: Readonly<Record<string, DesiredClone>>;
}

export interface RefusedCandidate {
  readonly digest: string;
  readonly revision: string;
  readonly at: Instant;
  readonly reason: string;
  /** What its canaries go back to. */
  readonly back: Readonly<Record<string, DesiredClone>>;
}

export interface RolloutTurn {
  readonly at: Instant;
  readonly type: "begun" | "canary" | "stable" | "refused" | "superseded" | "withdrawn";
  readonly digest: string;
  readonly message: string;
}
