/**
 * What a shim reports. Documented in `specs/events-v1.md`; validated with
 * `wireEventSchema` of `api/schema.ts`. It travels as the `data` of a CloudEvent whose
 * `id` is `idempotency_key`, whose `type` is `event_type` and whose `source` is `/clones/<vp_id>/<epoch>`.
 */
export interface WireEvent {
  /** Null for events of an instance that has no mission yet. */
  readonly mission_id: string | null;
  readonly vp_id: string;
  readonly vp_session_id: string;
  readonly vp_runtime_id: string;
  readonly event_type: WireEventType;
  readonly status: "queued" | "running" | "blocked" | "completed" | "failed" | "cancelled" | "timed_out";
  readonly summary: string;
  readonly artifact_refs: readonly {
    readonly path: string;
    readonly sha256?: string;
    readonly bytes?: number;
  }[];
  /** Unknown is null, never 0. `runtime_minutes` is measured by the shim. Cumulative for the instance. */
  readonly usage: {
    readonly runtime_minutes: number;
    readonly llm_calls: number | null;
    readonly estimated_cost_usd: number | null;
    /** Some of the cost was not said by the agent: it follows from its tokens and the fleet's prices. */
    readonly cost_derived?: true;
  };
  readonly trace_id: string;
  /** `<clone>/<epoch>/<seq>` */
  readonly idempotency_key: string;
  readonly emitted_at: string;
  readonly epoch: number;
  /** 1, 2, 3 … per instance, without gaps, in the order of the shim's outbox. */
  readonly seq: number;
  /** Facts of the type; see `WireEventDetail`. */
  readonly detail: Readonly<Record<string, unknown>>;
}

export const WIRE_EVENT_TYPES = [
  "instance.ready", // detail: { callback_ms, checks: [{ name, exit_code, timed_out, duration_ms, tail }], containment }
  "instance.exited", // detail: { code, signal, signature, stderr_tail, active_ms }
  "agent.loop", // detail: { pattern, times, evidence }
  "agent.throttled", // detail: { retry_after_ms, account? }
  "mission.accepted", // detail: { agent_pid }
  "mission.progress", // detail: { percent? }
  "mission.blocked", // detail: { reason, needs? }
  "mission.unblocked",
  "mission.artifact", // artifact_refs
  "mission.completed", // detail: { recommended_next_action?, artifact index in artifact_refs }
  "mission.failed", // detail: { reason }
  "mission.cancelled",
  "mission.timed_out",
] as const;
export type WireEventType = (typeof WIRE_EVENT_TYPES)[number];

/** Heartbeats are not numbered with the events: they may be lost, and the next one says it all again. */
export interface WireHeartbeat {
  readonly event_type: "clone.heartbeat";
  readonly mission_id: string | null;
  readonly vp_id: string;
  readonly vp_runtime_id: string;
  readonly epoch: number;
  readonly seq: number;
  readonly last_event_seq: number;
  readonly phase: "standby" | "starting" | "running" | "paused" | "throttled" | "stopping" | "exited";
  readonly last_event_age_ms: number;
  readonly last_progress_age_ms: number;
  readonly open_tool_calls: readonly {
    readonly id: string;
    readonly age_ms: number;
    readonly deadline_ms: number | null;
  }[];
  readonly usage: {
    readonly llm_calls: number | null;
    readonly estimated_cost_usd: number | null;
    /** Some of the cost was not said by the agent: it follows from its tokens and the fleet's prices. */
    readonly cost_derived?: true;
    readonly active_ms: number;
  };
  /** The agent's main program; null while there is none. */
  readonly process?: {
    readonly state: "running" | "stopped" | "zombie" | "gone";
    readonly pid: number | null;
    readonly start_ticks: number | null;
    readonly boot_id: string;
    /** For how long it has been seen in this state. */
    readonly since_ms: number;
  } | null;
  /** For how much longer the agent's provider makes it wait; absent when it does not. */
  readonly throttled_ms?: number;
}
