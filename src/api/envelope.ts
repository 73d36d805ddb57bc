/**
 * Mission envelope v1: what is handed to a clone at dispatch. Documented in
 * `specs/mission-envelope-v1.md`; validated with `missionEnvelopeSchema` of `api/schema.ts`.
 */
export interface MissionEnvelope {
  readonly mission_id: string;
  /** The clone's name. */
  readonly vp_id: string;
  /** `<clone>/<epoch>` */
  readonly vp_session_id: string;
  /** The launch's nonce. */
  readonly vp_runtime_id: string;
  /** The installation that dispatches. */
  readonly source_instance_id: string;
  readonly target_instance_id: string;
  readonly mission_type: "coding" | "research" | "automation" | "custom";
  readonly objective: string;
  readonly constraints: {
    readonly allowed_tools: readonly string[];
    readonly forbidden_tools: readonly string[];
    readonly approval_required: readonly string[];
  };
  readonly budget: {
    readonly max_runtime_minutes: number;
    readonly max_llm_calls: number | null;
    readonly max_cost_usd: number | null;
  };
  /** RFC 3339; null where the window is open on that side. */
  readonly autonomy_window: { readonly start_at: string | null; readonly end_at: string | null };
  readonly heartbeat_interval_seconds: number;
  readonly report_cadence: "milestone" | "interval" | "hybrid";
  readonly success_criteria: readonly { readonly id: string; readonly text: string }[];
  readonly artifact_policy: {
    readonly required_outputs: readonly { readonly path: string; readonly schema?: string }[];
    readonly storage_scope: "factory" | "shared" | "pushback";
  };
  /** Where the shim reports to; the token is never in the envelope. */
  readonly callback: { readonly status_url: string; readonly auth_mode: "bearer"; readonly auth_ref: string };
  readonly idempotency_key: string;
  /** W3C trace id: 32 lower-case hex digits. */
  readonly trace_id: string;
  readonly created_at: string;
}
