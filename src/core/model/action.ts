import type { Actor } from "./actor.ts";
import type { Instant } from "./time.ts";

/**
 * One action of a clone on the world outside: a message that is sent, a
 * branch that is pushed. It is claimed before it is done and completed
 * afterwards; the ledger keeps one row for each, so that none is done twice.
 *
 *   (none) ──claim──► reserved ──done──► committed
 *                      ▲    │
 *               claim  │    ├──failed──► failed
 *                      └────┼──────────────┘
 *                           └─ its epoch died, or nobody can tell ──► unknown ──read back──► committed, failed
 *
 * - reserved: the agent that claimed it may do it now, and nobody else.
 * - committed: done; whoever claims it again gets `result`.
 * - failed: proven not done; may be claimed again.
 * - unknown: may or may not have been done. Leaves by read-back alone, never by doing it again.
 */
export interface ActionRow {
  readonly missionId: string;
  readonly clone: string;
  /** Unique within the mission. */
  readonly key: string;
  /** Type of the action, as in `approval_required`. */
  readonly action: string;
  readonly target: string;
  /** Canonical JSON, cut at `ARGUMENTS_SHOWN_MAX`: for people; what counts is the digest. */
  readonly arguments: string;
  /** `sha256:…` over the whole of what is to be done. */
  readonly digest: string;
  readonly state: ActionState;
  /** Who reserved it last. */
  readonly epoch: number;
  /** Which agent of that instance: one that was started again in place does not know what the one before it did. */
  readonly agent: number;
  readonly reservedAt: Instant;
  readonly settledAt: Instant | null;
  /** Canonical JSON of what came of it; null until it is committed, and where nothing was told. */
  readonly result: string | null;
  /** What was said about its end: a failure, a read-back. */
  readonly evidence: string;
  /** Request by which a person approved it; null where none had to. */
  readonly approval: string | null;
  /** When it was claimed again although it was done; newest last, at most `DUPLICATES_KEPT_MAX`. */
  readonly duplicates: readonly Instant[];
  readonly duplicatesTotal: number;
}

export const ACTION_STATES = ["reserved", "committed", "failed", "unknown"] as const;
export type ActionState = (typeof ACTION_STATES)[number];

/** What a clone says that it is about to do. */
export interface ActionClaim {
  readonly action: string;
  readonly target: string;
  /** Together with action and target: what makes it this action. */
  readonly arguments: unknown;
  /** The rest of what will be done: part of the digest, not of the key. */
  readonly payload: unknown;
  readonly idempotencyKey: string | null;
}

/** What the shim of a living instance knows of one of its own actions: what its agent was told of it, and has said. */
export type RememberedAction = Pick<
  ActionRow,
  "key" | "action" | "target" | "arguments" | "digest" | "agent" | "state" | "result" | "evidence"
>;

/** How often what happened to the actions of a mission; the rows are in the ledger. */
export interface ActionCounts {
  readonly claimed: number;
  readonly committed: number;
  readonly failed: number;
  readonly duplicates: number;
  readonly conflicts: number;
  readonly unknown: number;
  /** Claims of an epoch that is over, or of an action that was denied. */
  readonly refused: number;
}

export const NO_ACTIONS: ActionCounts = {
  claimed: 0,
  committed: 0,
  failed: 0,
  duplicates: 0,
  conflicts: 0,
  unknown: 0,
  refused: 0,
};

/** What people decided about one exact action. An approval is used up by the claim that it allows; a denial stays. */
export interface ActionApproval {
  readonly digest: string;
  readonly decision: "approved" | "denied";
  readonly request: string;
  /** Those who agreed, or the one who did not. */
  readonly by: readonly Actor[];
  readonly at: Instant;
}

/** Somebody whose word is needed: `fleet.yaml`, `spec.approval_rules`. */
export interface ActionRule {
  readonly action: string;
  /** Names of those who may approve; empty: every operator may. */
  readonly approvers: readonly string[];
  /** How many of them have to agree. */
  readonly quorum: number;
  /** An unanswered question is denied after this; null: it holds the mission until somebody answers. */
  readonly expiresMs: number | null;
  /** An unanswered question comes back this often; absent: as every other question. */
  readonly remindMs?: number;
}

/** Characters of the arguments that are kept to be looked at. */
export const ARGUMENTS_SHOWN_MAX = 2_000;
/** Characters of a result that are kept; a larger one is refused, because half a result replayed would be a lie. */
export const RESULT_LENGTH_MAX = 16_384;
/** Duplicates whose time is kept per action: more than any threshold of ours counts. */
export const DUPLICATES_KEPT_MAX = 20;
/** Actions of one mission. An agent that claims more is looping, or its actions are too small to be worth a ledger. */
export const ACTIONS_PER_MISSION_MAX = 10_000;
