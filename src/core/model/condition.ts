import type { Instant } from "./time.ts";

/** Kubernetes-style condition. `since` changes only when `status` changes. */
export interface Condition {
  readonly type: ConditionType;
  readonly status: "True" | "False" | "Unknown";
  /** Stable PascalCase reason. */
  readonly reason: string;
  readonly message: string;
  readonly since: Instant;
  readonly observedGeneration: number;
  readonly observedCommit: string | null;
}

/** In the order of the runbook; this is also the order in which `factory why` explains them. */
export const CONDITION_TYPES = [
  "Ready",
  "Identified", // 3.1
  "BaselineApplied", // 3.2
  "OverlayApplied", // 3.3
  "SecretsVerified", // 3.4
  "CallbackReachable", // 3.5
  "Healthy", // 3.6
  "ContractApproved", // 4.1
  "EnvelopeValid", // 4.1
  "WithinWindow", // 4.2
  "WithinBudget", // 4.2
  "KillSwitchArmed", // 4.3
  "Accepted", // 4.4
  "HeartbeatFresh", // 4.5, 5.1
  "CallbackDegraded", // 6.2
  "Stalled", // the repository must change
  "Progressing",
  "InSync", // the living instance has all of its declaration
] as const;
export type ConditionType = (typeof CONDITION_TYPES)[number];

/**
 * Evidence that one gate was looked at: what was checked, what came out, when.
 * A gate is the recorded fact; the condition is derived from it.
 */
export interface StartGate {
  readonly type: ConditionType;
  readonly ok: boolean;
  readonly reason: string;
  /** Facts a reviewer can check: a digest, an exit code, a URL, a duration. Never a secret's value. */
  readonly evidence: string;
  readonly at: Instant;
}
