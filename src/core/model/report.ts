import type { MeterOrigin } from "./mission.ts";

/** What a shim said about its instance, once it was authenticated and validated. */
export interface Report extends MeterOrigin {
  readonly type: ReportType;
  /** 1, 2, 3 … per instance, without gaps. */
  readonly seq: number;
  readonly missionId: string | null;
  readonly summary: string;
  readonly artifacts: readonly { readonly path: string; readonly sha256?: string; readonly bytes?: number }[];
  /** Cumulative for the instance; null is unknown. */
  readonly llmCalls: number | null;
  readonly costMicros: number | null;
  /** Time in which the agent worked, measured by the shim, cumulative. Absent in reports from before it was taken up. */
  readonly activeMs?: number;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** What `detail` holds stands beside each; the facts of the wire are in `specs/events-v1.md`. */
export const REPORT_TYPES = [
  "instance.ready", // detail: { callback_ms, checks: [{ name, exit_code, timed_out, duration_ms, tail }], containment }
  "instance.exited", // detail: { code, signal, signature, stderr_tail, active_ms, exceeded? }
  "agent.loop", // detail: { pattern, times, evidence }
  "agent.throttled", // detail: { retry_after_ms, account? }
  "mission.limit_reached", // detail: { meter, level, used, limit, percent, did, paused_ms }
  "mission.accepted", // detail: { agent_pid }
  "mission.progress", // detail: { percent? }
  "mission.blocked", // detail: { reason, needs? }
  "mission.unblocked",
  "mission.artifact", // artifacts
  "mission.completed", // detail: { recommended_next_action? }, and the index of artifacts
  "mission.failed", // detail: { reason }
  "mission.cancelled",
  "mission.timed_out",
] as const;
export type ReportType = (typeof REPORT_TYPES)[number];
