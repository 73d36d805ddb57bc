import type { MeterName } from "./event.ts";
import type { MeterTrust, Outcome } from "./mission.ts";

/** How a mission went, in five parts. Durations in milliseconds; null where it never came to that. */
export interface Scorecard {
  readonly mission: string;
  readonly mission_id: string;
  readonly outcome: Outcome;
  readonly quality: {
    readonly criteria_total: number;
    readonly criteria_met: number;
    readonly criteria_pending: number;
    readonly outputs_required: number;
    readonly outputs_valid: number;
    /** What people judged, and who. */
    readonly human_review: {
      readonly met: number;
      readonly unmet: number;
      readonly by: readonly string[];
    };
  };
  readonly latency: {
    /** Declared → first launch. */
    readonly queue_ms: number | null;
    /** Dispatched → `mission.accepted`. */
    readonly accepted_ms: number | null;
    /** Accepted → first effect. */
    readonly first_progress_ms: number | null;
    /** Declared → closed. */
    readonly total_ms: number | null;
    /** Time under holds that only a person could clear. */
    readonly waiting_for_people_ms: number;
  };
  readonly incidents: {
    readonly total: number;
    readonly by_class: Readonly<Record<string, number>>;
    readonly by_severity: Readonly<Record<string, number>>;
    /** Mean over the incidents; null where there was none. */
    readonly time_to_detect_ms: number | null;
    /** Mean over the incidents, from noticed to over. */
    readonly time_to_end_ms: number | null;
  };
  readonly maintainability: {
    readonly files_from_baseline: number;
    readonly files_from_overlays: number;
    readonly interventions: number;
    readonly restarts: number;
  };
  readonly economics: {
    readonly active_ms: number;
    readonly llm_calls: number | null;
    readonly cost_usd: number | null;
    readonly usage_trust: MeterTrust;
    /** Names of those who counted; null while nothing was counted. Absent from scorecards of before that was recorded. */
    readonly usage_source?: string | null;
    /** Null where the mission was not accepted, or its cost is not known. */
    readonly cost_per_accepted_usd: number | null;
    /** The limits of which all was used, or more; absent where there is none. */
    readonly over_limit?: readonly MeterName[];
    /** Fractions of the budget that were left; null without a limit, or where the use is not known. */
    readonly runtime_budget_left: number;
    readonly llm_budget_left: number | null;
    readonly cost_budget_left: number | null;
  };
}
