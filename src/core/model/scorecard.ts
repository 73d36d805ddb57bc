import type { Outcome } from "./mission.ts";

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
    readonly usage_trust: string;
    /** Fraction of the runtime budget that was left. */
    readonly runtime_budget_left: number;
  };
}
