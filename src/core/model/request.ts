import type { Actor } from "./actor.ts";
import type { HoldKind } from "./hold.ts";
import type { Severity } from "./incident.ts";
import type { Instant } from "./time.ts";

/**
 * A question to people. Every hold that only a person ends has one, so that
 * nothing waits in silence: it is in the inbox and the notices, it can be
 * acknowledged, and it comes back until somebody has decided.
 */
export interface Request {
  /** `<mission or clone>.<kind>.<n>`, never used twice on a lane: `license-audit.budget.1`. */
  readonly id: string;
  readonly kind: RequestKind;
  readonly severity: Severity;
  readonly openedAt: Instant;
  /** A sentence with the facts. */
  readonly summary: string;
  /** What it rests on, one line each: blockers with counts, meters, a key and its digests. */
  readonly evidence: readonly string[];
  /** What may be answered. */
  readonly answers: readonly DecisionType[];
  /** The hold that the answer lifts, if it is one that lets the mission go on. */
  readonly hold: { readonly kind: HoldKind; readonly owner: string } | null;
  /** Who is asked: `simone`, or names from the fleet's approval rules. */
  readonly owner: string;
  /** Who caused it; may not be the one who approves it. */
  readonly requestedBy: Actor;
  /** Who may approve it, by name; empty: every operator but `barred`. */
  readonly approvers: readonly string[];
  /** Who may not approve it, whatever else they may: those whose wish it is. */
  readonly barred: readonly Actor[];
  /** What exactly is decided, where that is one action: the digest that an approval binds to. */
  readonly binds: string | null;
  /** An unanswered one is denied from here on; null: it waits. */
  readonly expiresAt: Instant | null;
  readonly acknowledged: { readonly by: Actor; readonly at: Instant } | null;
  /** When it comes back, acknowledged or not. */
  readonly remindAt: Instant;
  /** How often it came back. */
  readonly reminders: number;
  /** How long after it was asked, acknowledged or came back it comes back; absent: 4 hours. */
  readonly remindMs?: number;
  /** Votes so far, where more than one person has to agree. */
  readonly votes: readonly { readonly by: Actor; readonly at: Instant }[];
  /** People who have to agree. */
  readonly quorum: number;
}

export type RequestKind =
  | "budget" // a meter reached its threshold: raise or stop
  | "overspent" // a mission was closed beyond its limit: does its result count
  | "approval" // an action waits for a person
  | "blocked" // the same blocker was reported again and again
  | "stuck" // a loop that a nudge did not end
  | "lane" // the lane is frozen by an incident
  | "quarantine" // too many failures
  | "postmortem" // closure waits until it is merged
  | "template" // a mission is to become a template
  | "rollout" // a rollout stopped
  | "guardrail"; // the fleet left its guardrails

export const DECISION_TYPES = ["raise", "stop", "approve", "deny", "go_on"] as const;
export type DecisionType = (typeof DECISION_TYPES)[number];

/** How each is given on the command line. */
export const ANSWER_FLAG: Readonly<Record<DecisionType, string>> = {
  raise: "--raise <limit>=<number>",
  stop: "--stop",
  approve: "--approve",
  deny: "--deny",
  go_on: "--go-on",
};

export type Decided =
  /** New limits, each higher than the one that was reached. */
  | { readonly type: "raise"; readonly budget: Readonly<Partial<Record<BudgetField, number>>> }
  | { readonly type: "stop" | "approve" | "deny" | "go_on" };

export const BUDGET_FIELDS = ["max_runtime_minutes", "max_llm_calls", "max_cost_usd"] as const;
export type BudgetField = (typeof BUDGET_FIELDS)[number];

/** A request that was answered, kept for the closure report. */
export interface AnsweredRequest {
  readonly id: string;
  readonly kind: RequestKind;
  readonly openedAt: Instant;
  readonly decidedAt: Instant;
  readonly by: Actor;
  readonly decision: DecisionType;
  /** Before and after, where a number changed; a reason that was given. */
  readonly detail: string;
}
