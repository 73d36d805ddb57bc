/** What a shim said about its instance, once it was authenticated and validated. */
export interface Report {
  readonly type: ReportType;
  /** 1, 2, 3 … per instance, without gaps. */
  readonly seq: number;
  readonly missionId: string | null;
  readonly summary: string;
  readonly artifacts: readonly { readonly path: string; readonly sha256?: string; readonly bytes?: number }[];
  /** Cumulative for the instance; null is unknown. */
  readonly llmCalls: number | null;
  readonly costMicros: number | null;
  /** Some of the cost follows from tokens and prices. */
  readonly derived?: true;
  /** Time in which the agent worked, measured by the shim, cumulative. Absent in reports from before it was taken up. */
  readonly activeMs?: number;
  readonly detail: Readonly<Record<string, unknown>>;
}

export const REPORT_TYPES = [
  "instance.ready",
  "instance.exited",
  "agent.loop",
  "agent.throttled",
  "mission.accepted",
  "mission.progress",
  "mission.blocked",
  "mission.unblocked",
  "mission.artifact",
  "mission.completed",
  "mission.failed",
  "mission.cancelled",
  "mission.timed_out",
] as const;
export type ReportType = (typeof REPORT_TYPES)[number];
