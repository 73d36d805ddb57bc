/**
 * What a shim says and hears about the actions of its agent: `POST /v1/actions/claim`
 * and `POST /v1/actions/complete`. Documented in `specs/actions.md`; validated with `api/action-schema.ts`.
 */
export interface WireClaim {
  /** One per question: the same id is answered as it was the first time. */
  readonly request_id: string;
  readonly action: string;
  readonly target?: string | undefined;
  readonly arguments?: unknown;
  readonly payload?: unknown;
  readonly idempotency_key?: string | undefined;
  /** Which agent of the instance asks: 1, 2, … where one was started again in place. Default 1. */
  readonly agent?: number | undefined;
  /** Only asks for the approval and reserves nothing. */
  readonly approval_only?: boolean | undefined;
  readonly remembered?: WireRemembered | undefined;
}

/** What the shim knows of this action, for a record that was lost meanwhile. Not part of the question. */
export interface WireRemembered {
  readonly key: string;
  readonly action: string;
  readonly target: string;
  /** Canonical JSON, cut as the ledger cuts it. */
  readonly arguments: string;
  readonly digest: string;
  readonly agent: number;
  readonly state: "reserved" | "committed" | "failed" | "unknown";
  /** Canonical JSON. */
  readonly result: string | null;
  readonly evidence: string;
}

export const CLAIM_DECISIONS = [
  "go", // reserved: do it now, then complete it
  "replay", // done already: `result` is what came of it
  "in_progress", // this epoch is at it already
  "verify", // nobody knows whether it was done: look, and complete it with `verified`
  "skip", // nobody knows, and a person let the mission go on without it
  "conflict", // this key stands for something else
  "approval_required", // a person has been asked; claim it again once the mission goes on
  "approved", // only for `approval_only`
  "denied", // a person, or nobody in time, allowed it
  "held", // the mission is paused or being ended: nothing is begun
  "limit", // too many actions for one mission
] as const;
export type ClaimDecision = (typeof CLAIM_DECISIONS)[number];

export interface WireClaimAnswer {
  readonly decision: ClaimDecision;
  readonly key: string;
  readonly digest: string;
  /** To be left in the world outside where that is possible, so that a later look finds it. */
  readonly marker: string;
  /** A sentence for the agent. */
  readonly message: string;
  /** With `replay`: as it was told at its completion. */
  readonly result?: unknown;
  /** With `verify`: what to look for. */
  readonly verify?: {
    readonly action: string;
    readonly target: string;
    readonly marker: string;
    readonly reserved_epoch: number;
    readonly reserved_at: string;
  };
  /** The open question, with `approval_required`, and with what froze the lane. */
  readonly request?: string;
}

export interface WireCompletion {
  readonly request_id: string;
  readonly key: string;
  readonly agent?: number | undefined;
  /** What came of it; for what this epoch began itself. */
  readonly outcome?: "done" | "failed" | undefined;
  /** What a look at the world outside found; needs `evidence`. */
  readonly verified?: "done" | "not_done" | "unverifiable" | undefined;
  readonly result?: unknown;
  readonly evidence?: string | undefined;
  readonly remembered?: WireRemembered | undefined;
}

export interface WireCompletionAnswer {
  /** `recorded`: it stands in the ledger, now or since before. `frozen`: a person has to look. */
  readonly decision: "recorded" | "frozen" | "refused";
  readonly key: string;
  readonly state: "reserved" | "committed" | "failed" | "unknown" | null;
  readonly message: string;
}
