import type { Instant } from "./time.ts";

/** What a reviewer approves, fixed once dispatched. `contract_hash` covers it. Snake case: as in the file and on the wire. */
export interface MissionContract {
  readonly mission_type: "coding" | "research" | "automation" | "custom";
  readonly objective: string;
  readonly clone: string;
  readonly run: number;
  readonly success_criteria: readonly Criterion[];
  readonly constraints: {
    readonly allowed_tools: readonly string[];
    readonly forbidden_tools: readonly string[];
    readonly approval_required: readonly string[];
  };
  /** Files of the repository, at the dispatched revision, that the clone finds below `inputs/`. A path ending in `/` is a folder. */
  readonly inputs: readonly { readonly path: string }[];
  readonly artifact_policy: {
    readonly required_outputs: readonly RequiredOutput[];
    readonly storage_scope: "factory" | "shared" | "pushback";
  };
  /** Consent to limits on calls and cost that nobody can measure. Absent: none. */
  readonly accept_unmetered?: true;
}

export interface Criterion {
  readonly id: string;
  readonly text: string;
  /** Judged by running this in a clean checkout, outside of the clone. */
  readonly check?: MissionCheck;
  /** Judged by a person. */
  readonly review?: "human";
}

export interface MissionCheck {
  readonly run: readonly [string, ...string[]];
  readonly timeout_seconds: number;
  /** The machine's network is open to it. Absent: it has none. */
  readonly network?: true;
  /** It has a copy of the checkout that it may write to. Absent: it cannot write to the checkout. */
  readonly writes?: true;
}

export interface RequiredOutput {
  /** Path inside of the clone's workspace. */
  readonly path: string;
  /** JSON Schema in the repository that the output must satisfy. */
  readonly schema?: string;
  /** For the checks it may take the place of a file of the repository, or lie where they load code from (`output-places.ts`). */
  readonly replaces?: true;
}

/** What may change while the mission lives. Tighter applies at once; looser is reviewed like the contract. */
export interface MissionLimits {
  readonly state: "active" | "paused" | "cancelled";
  readonly kill_switch: { readonly engaged: boolean };
  readonly budget: Budget;
  /** Absent: the built-in ones. */
  readonly budget_thresholds?: BudgetThresholds;
  readonly autonomy_window: AutonomyWindow | null;
  readonly heartbeat_interval_seconds: number;
  /** Absent: what its clone says. */
  readonly pause_grace_seconds?: number;
  readonly report_cadence: ReportCadence;
  /** An agent that gets nowhere for longer is nudged, then held. Null: nobody watches that. */
  readonly mission_progress_interval_seconds: number | null;
  /** That many reports of one blocker within the window ask a person. */
  readonly blocked: BlockedPolicy;
}

/** How often an agent's progress is reported; what each means stands in `shim/session/progress-cadence.ts`. */
export const REPORT_CADENCES = ["milestone", "interval", "hybrid"] as const;
export type ReportCadence = (typeof REPORT_CADENCES)[number];

export interface BlockedPolicy {
  readonly escalate_after: number;
  readonly window_minutes: number;
}

/** The third report of a reason within a day: an agent that asks anew each morning is asking again. */
export const DEFAULT_BLOCKED_POLICY: BlockedPolicy = { escalate_after: 3, window_minutes: 24 * 60 };

export interface Budget {
  readonly max_runtime_minutes: number;
  readonly max_llm_calls: number | null;
  readonly max_cost_usd: number | null;
}

/** In percent of a limit, in rising order: told, warned, paused and asked. At 100 it is reached, whatever these say. */
export interface BudgetThresholds {
  readonly notify_percent: number;
  readonly warn_percent: number;
  readonly pause_percent: number;
}

/** `fixed`: one span. `recurring`: opens at each match of `cron` in `timezone` for `duration_minutes`. */
export type AutonomyWindow =
  | { readonly type: "fixed"; readonly startAt: Instant | null; readonly endAt: Instant | null }
  | {
      readonly type: "recurring";
      readonly cron: string;
      readonly durationMinutes: number;
      readonly timezone: string;
    };

/** A mission as the repository asks for it at one revision. */
export interface DesiredMission {
  /** Deterministic in repository, name and run, so that a repeated dispatch is recognised. */
  readonly missionId: string;
  readonly name: string;
  readonly revision: string;
  readonly contract: MissionContract;
  readonly contractHash: string;
  readonly limits: MissionLimits;
  readonly labels: Readonly<Record<string, string>>;
}

/** Where a mission stands, in the words that people see. */
export type MissionPhase =
  | "Pending" // declared, its clone is not runnable yet
  | "Preparing" // gates 3.1 to 3.6
  | "Starting" // launched, not accepted
  | "Running"
  | "Paused" // at least one hold
  | "Blocked" // the agent said so
  | "Recovering" // its instance was lost; a new one is on its way
  | "Closing" // terminal; outputs and criteria are being judged
  | "Completed"
  | "Failed"
  | "Cancelled"
  | "TimedOut";

export const FINAL_PHASES: ReadonlySet<MissionPhase> = new Set([
  "Completed",
  "Failed",
  "Cancelled",
  "TimedOut",
]);

/** What the world made of the mission's result. `unknown` stays unknown. */
export type Outcome = "accepted" | "rejected" | "pending" | "ignored" | "unknown";

/** Trust in a usage number, highest first; unknown is unknown, never 0. */
export const METER_TRUSTS = ["metered", "reported", "derived", "none"] as const;
export type MeterTrust = (typeof METER_TRUSTS)[number];

/** Where numbers of usage come from. Both are absent from what was recorded before they were said. */
export interface MeterOrigin {
  readonly trust?: MeterTrust;
  /** Names of those who counted, at most `USAGE_SOURCE_CHARS_MAX` characters; null while nothing was counted. */
  readonly source?: string | null;
}

export const USAGE_SOURCE_CHARS_MAX = 200;

export interface Usage {
  /** Time with a running, unpaused instance. Measured by us, so always known. */
  readonly activeMs: number;
  readonly llmCalls: number | null;
  /** Millionths of a US dollar. */
  readonly costMicros: number | null;
  readonly trust: MeterTrust;
  /** Names of those who counted calls and cost; null while nothing was counted, or where that was not recorded. */
  readonly source: string | null;
}
