import type { Instant } from "./time.ts";

/** Something that went wrong on a lane and that a person may want to learn from. */
export interface Incident {
  /** Stable within the mission: `<class>.<n>`. */
  readonly id: string;
  readonly class: IncidentClass;
  readonly severity: Severity;
  /** When it was noticed. */
  readonly at: Instant;
  /** When it began, where that is known to be earlier: `at - startedAt` is the time to detect. */
  readonly startedAt: Instant;
  /** When it was over; null while it lasts. */
  readonly endedAt: Instant | null;
  /** A sentence with the facts. */
  readonly message: string;
  /** What can be looked at: a path of a trace bundle, a digest, a key. */
  readonly evidence?: string;
}

export const SEVERITIES = ["low", "medium", "high", "critical"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** How serious each class is by itself. High ones count against the fleet's guardrail (design section 9). */
export const INCIDENT_SEVERITY = {
  degraded: "low",
  heartbeat_lost: "medium",
  crash: "medium",
  failed_start: "medium",
  resource_exceeded: "medium",
  callback_gap: "low",
  callback_down: "medium",
  blocked: "low",
  stuck: "medium",
  killed: "medium",
  quarantine: "high",
  stray_instance: "high",
  duplicate_action: "high",
  unknown_action: "high",
  action_conflict: "high",
  missed_callback: "high",
  overspent: "high",
  runaway: "critical",
  survivors: "critical",
  unproven_death: "medium",
  pause_failed: "high",
  drill_failed: "critical",
  record_lost: "high",
} as const satisfies Record<string, Severity>;
export type IncidentClass = keyof typeof INCIDENT_SEVERITY;

/** What a caller says; the rest follows. */
export interface NewIncident {
  readonly class: IncidentClass;
  readonly at: Instant;
  readonly message: string;
  /** Default: `at`. */
  readonly startedAt?: Instant;
  /** It was over as soon as it was noticed: a crash, a kill. Default false. */
  readonly over?: boolean;
  readonly evidence?: string;
}
