import type { Instant } from "./time.ts";

export const GUARDRAILS = ["success", "incidents", "latency", "interventions"] as const;
export type Guardrail = (typeof GUARDRAILS)[number];

/** A guardrail that the fleet has left, with both numbers. */
export interface Breach {
  readonly guardrail: Guardrail;
  readonly measured: number;
  readonly threshold: number;
  /** A sentence with the facts. */
  readonly message: string;
}

/**
 * The fleet on its way back to Simone alone (runbook 7).
 *
 * A guardrail that stays breached for its time trips: from that moment a *pin*
 * holds the mode `in_core_only`, and the same change is proposed as a commit.
 * The repository stays the truth: the pin expires unless the breach lasts, is
 * superseded when the proposal is merged, and is lifted by a reviewed change:
 * `mode: normal` after the merge, or `guardrails.lift: <id of the pin>` before it.
 */
export interface RollbackState {
  /** Since when each guardrail has been breached without a break. */
  readonly since: Readonly<Partial<Record<Guardrail, Instant>>>;
  readonly pin: Pin | null;
  /** Missions that were closed earlier no longer count: the way back starts with a clean sheet. */
  readonly countFrom: Instant;
  /** What happened, newest last, at most `TURNS_MAX`. */
  readonly turns: readonly Turn[];
}

export interface Pin {
  /** What `guardrails.lift` names. */
  readonly id: string;
  readonly at: Instant;
  readonly expiresAt: Instant;
  readonly breaches: readonly Breach[];
  /** The revision under which it tripped. */
  readonly revision: string;
  /** Where the change is proposed; null until that was pushed. */
  readonly proposal: { readonly branch: string; readonly commit: string } | null;
  /** The repository has said `in_core_only` since. */
  readonly merged: boolean;
}

export interface Turn {
  readonly at: Instant;
  readonly type: "tripped" | "renewed" | "merged" | "expired" | "lifted";
  readonly pin: string;
  readonly message: string;
}

export const NO_ROLLBACK: RollbackState = { since: {}, pin: null, countFrom: 0, turns: [] };
