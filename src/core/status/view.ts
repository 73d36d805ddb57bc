/**
 * What people are shown, in one shape for the command line, the API and the
 * board. Made by `core/status`, formatted at the edges.
 */
import type { Condition } from "../model/condition.ts";
import type { Hold } from "../model/hold.ts";
import type { Severity } from "../model/incident.ts";
import type { Issue } from "../model/issue.ts";
import type { MissionPhase, Outcome, Usage } from "../model/mission.ts";
import type { BudgetField, DecisionType } from "../model/request.ts";
import type { Scorecard } from "../model/scorecard.ts";
import type { Instant } from "../model/time.ts";
import type { ApprovalsView } from "./approvals.ts";
import type { CallbacksView } from "./callbacks.ts";
import type { DrillsView } from "./drills.ts";
import type { ForgeView } from "./forge.ts";
import type { LivenessView } from "./liveness.ts";

export interface FleetView {
  readonly installation: string;
  readonly mode: "normal" | "in_core_only";
  readonly now: Instant;
  readonly source: SourceView;
  readonly missions: readonly MissionView[];
  readonly clones: readonly CloneView[];
  readonly issues: readonly Issue[];
  /** What the plan would do but may not, or not yet. */
  readonly held: readonly HeldView[];
  /** How people are told of things. */
  readonly callbacks: CallbacksView;
  /** Where changes are reviewed; null where no forge is declared. */
  readonly forge: ForgeView | null;
  readonly approvals: ApprovalsView;
  /** Whether the kill is proven. */
  readonly drills: DrillsView;
  readonly counts: Readonly<Record<MissionPhase, number>>;
}

export interface SourceView {
  readonly state: "ok" | "verified_empty" | "error" | "unknown";
  readonly reason: string;
  readonly message: string;
  readonly revision: string | null;
  readonly observedAt: Instant | null;
}

export interface MissionView {
  readonly name: string;
  readonly missionId: string;
  readonly run: number;
  readonly clone: string;
  readonly objective: string;
  readonly phase: MissionPhase;
  readonly outcome: Outcome | null;
  /** The newest thing that was said about it. */
  readonly summary: string;
  readonly since: Instant;
  readonly holds: readonly Hold[];
  readonly conditions: readonly Condition[];
  readonly usage: Usage;
  readonly budget: {
    readonly maxRuntimeMinutes: number;
    readonly maxLlmCalls: number | null;
    readonly maxCostUsd: number | null;
    /** Limits that a decision raised above the file's. */
    readonly raised: readonly {
      readonly limit: BudgetField;
      readonly from: number;
      readonly to: number;
      readonly by: string;
      readonly at: Instant;
    }[];
  };
  readonly revision: string;
  readonly contractHash: string;
  /** What blocks its agent, loops, and what was said to it. */
  readonly conduct: ConductView;
  readonly closure: ClosureView | null;
}

export interface ConductView {
  /** Every reason so far, oldest first. `open`: it has not been unblocked since. */
  readonly blocked: readonly {
    readonly reason: string;
    readonly needs: string | null;
    readonly times: number;
    readonly firstAt: Instant;
    readonly lastAt: Instant;
    readonly open: boolean;
  }[];
  readonly nudges: number;
  /** The one that still counts: what comes soon after it is held. */
  readonly nudge: { readonly pattern: string; readonly evidence: string; readonly at: Instant } | null;
  /** By people. `toldEpoch`: the newest instance whose agent has it. */
  readonly messages: readonly {
    readonly by: string;
    readonly text: string;
    readonly at: Instant;
    readonly toldEpoch: number | null;
  }[];
}

export interface ClosureView {
  readonly outcome: Outcome;
  readonly scorecard: Scorecard;
  readonly decision: "undecided" | "retire" | "standby" | "template";
  readonly closedAt: Instant;
  /** As they were judged so far; none where it was not. `pending`: a person has to. */
  readonly criteria: readonly {
    readonly id: string;
    readonly text: string;
    readonly state: "met" | "unmet" | "pending";
    /** Who judged it, where that was a person. */
    readonly by: string | null;
  }[];
  /** The closure report, Markdown. */
  readonly report: string;
}

export interface CloneView {
  readonly name: string;
  readonly phase: string;
  readonly generation: number;
  readonly epoch: number;
  readonly mission: string | null;
  readonly since: Instant;
  readonly instance: {
    readonly epoch: number;
    readonly driver: string;
    readonly containment: string;
    readonly health: string;
    readonly agentPhase: string | null;
    readonly heartbeatAgeMs: number | null;
    readonly progressAgeMs: number | null;
    readonly startedAt: Instant;
    readonly liveness: LivenessView;
  } | null;
  readonly holds: readonly Hold[];
  readonly conditions: readonly Condition[];
  readonly restarts: number;
  readonly digest: string | null;
  readonly revision: string | null;
}

export interface HeldView {
  readonly subject: string;
  /** What would be done: a step of the plan. */
  readonly step: string;
  readonly reason: string;
  readonly message: string;
}

/** Why something runs or does not: every gate and hold, in the order in which they are asked, with evidence. */
export interface WhyView {
  readonly subject: string;
  readonly kind: "mission" | "clone";
  readonly runs: boolean;
  /** One sentence. */
  readonly headline: string;
  readonly steps: readonly WhyStep[];
  /** Dotted field → `file:line` that set it. */
  readonly provenance: Readonly<Record<string, string>>;
  /** The last things that happened to it, newest last. */
  readonly recent: readonly { readonly at: Instant; readonly type: string; readonly text: string }[];
}

export interface WhyStep {
  /** Section of the runbook, or `hold`. */
  readonly step: string;
  readonly name: string;
  /** null: not looked at yet, because something before it is not met. */
  readonly ok: boolean | null;
  readonly reason: string;
  readonly evidence: string;
  readonly since: Instant | null;
  /** What would move it, and who may do that. */
  readonly next: string | null;
}

/** One thing that waits for a person. */
export interface InboxItem {
  /** Stable: `<subject>/<kind>`. */
  readonly id: string;
  readonly severity: "info" | "warning" | "critical";
  readonly kind: string;
  readonly subject: string;
  readonly since: Instant;
  readonly message: string;
  /** Commands, or changes of a file, that would answer it. */
  readonly answers: readonly string[];
  /** Where it is a question that `factory decide` answers: the whole of it. */
  readonly request?: RequestView;
}

export interface RequestView {
  /** What it rests on, one line each. */
  readonly evidence: readonly string[];
  readonly answers: readonly DecisionType[];
  readonly severity: Severity;
  /** Who is asked. */
  readonly owner: string;
  readonly requestedBy: string;
  /** The digest of the one action that is decided, where it is one. */
  readonly binds: string | null;
  /** Denied from here on. */
  readonly expiresAt: Instant | null;
  readonly acknowledged: { readonly by: string; readonly at: Instant } | null;
  /** When it comes back, and how often it did. */
  readonly remindAt: Instant;
  readonly reminders: number;
  readonly votes: readonly { readonly by: string; readonly at: Instant }[];
  readonly quorum: number;
}
