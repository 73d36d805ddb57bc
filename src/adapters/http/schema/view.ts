/**
 * The shapes of `core/status/view.ts` as schemas, for `openapi.json`. The lines
 * at the end fail to compile when the two drift apart.
 */

import { z } from "zod";
import { CONDITION_TYPES } from "../../../core/model/condition.ts";
import { SEVERITIES } from "../../../core/model/incident.ts";
import { CONTAINMENTS } from "../../../core/model/instance.ts";
import { RUNGS } from "../../../core/model/liveness.ts";
import { BUDGET_FIELDS, DECISION_TYPES } from "../../../core/model/request.ts";
import type { DeadLetterView } from "../../../core/status/callbacks.ts";
import type { GuardrailsView } from "../../../core/status/guardrails.ts";
import type { RolloutView } from "../../../core/status/rollouts.ts";
import type { Trends } from "../../../core/status/trends.ts";
import type { CloneView, FleetView, InboxItem, MissionView, WhyView } from "../../../core/status/view.ts";

const Instant = z.number().meta({ description: "Milliseconds since 1970, UTC." });
const OutcomeSchema = z.enum(["accepted", "rejected", "pending", "ignored", "unknown"]);
const PhaseSchema = z.enum([
  "Pending",
  "Preparing",
  "Starting",
  "Running",
  "Paused",
  "Blocked",
  "Recovering",
  "Closing",
  "Completed",
  "Failed",
  "Cancelled",
  "TimedOut",
]);

export const holdSchema = z.object({
  kind: z.enum([
    "operator",
    "budget",
    "approval",
    "freeze",
    "quarantine",
    "window",
    "throttle",
    "rollout",
    "stuck",
    "gate",
  ]),
  owner: z.string(),
  since: Instant,
  reason: z.string(),
  message: z.string(),
  evidence: z.string().exactOptional(),
  clearBy: z.enum(["operator", "decision", "repository", "supervisor", "anyone"]),
  until: Instant.exactOptional(),
});

export const conditionSchema = z.object({
  type: z.enum(CONDITION_TYPES),
  status: z.enum(["True", "False", "Unknown"]),
  reason: z.string(),
  message: z.string(),
  since: Instant,
  observedGeneration: z.int(),
  observedCommit: z.string().nullable(),
});

export const scorecardSchema = z.object({
  mission: z.string(),
  mission_id: z.string(),
  outcome: OutcomeSchema,
  quality: z.object({
    criteria_total: z.int(),
    criteria_met: z.int(),
    criteria_pending: z.int(),
    outputs_required: z.int(),
    outputs_valid: z.int(),
    human_review: z.object({ met: z.int(), unmet: z.int(), by: z.array(z.string()) }),
  }),
  latency: z.object({
    queue_ms: z.number().nullable(),
    accepted_ms: z.number().nullable(),
    first_progress_ms: z.number().nullable(),
    total_ms: z.number().nullable(),
    waiting_for_people_ms: z.number(),
  }),
  incidents: z.object({
    total: z.int(),
    by_class: z.record(z.string(), z.int()),
    by_severity: z.record(z.string(), z.int()),
    time_to_detect_ms: z.number().nullable(),
    time_to_end_ms: z.number().nullable(),
  }),
  maintainability: z.object({
    files_from_baseline: z.int(),
    files_from_overlays: z.int(),
    interventions: z.int(),
    restarts: z.int(),
  }),
  economics: z.object({
    active_ms: z.number(),
    llm_calls: z.int().nullable(),
    cost_usd: z.number().nullable(),
    usage_trust: z.string(),
    cost_per_accepted_usd: z.number().nullable(),
    runtime_budget_left: z.number(),
    llm_budget_left: z.number().nullable(),
    cost_budget_left: z.number().nullable(),
  }),
});

export const missionViewSchema = z.object({
  name: z.string(),
  missionId: z.string(),
  run: z.int(),
  clone: z.string(),
  objective: z.string(),
  phase: PhaseSchema,
  outcome: OutcomeSchema.nullable(),
  summary: z.string(),
  since: Instant,
  holds: z.array(holdSchema),
  conditions: z.array(conditionSchema),
  usage: z.object({
    activeMs: z.number(),
    llmCalls: z.int().nullable(),
    costMicros: z.int().nullable(),
    trust: z.enum(["metered", "reported", "derived", "none"]),
  }),
  budget: z.object({
    maxRuntimeMinutes: z.number(),
    maxLlmCalls: z.number().nullable(),
    maxCostUsd: z.number().nullable(),
    raised: z.array(
      z.object({
        limit: z.enum(BUDGET_FIELDS),
        from: z.number(),
        to: z.number(),
        by: z.string(),
        at: Instant,
      }),
    ),
  }),
  revision: z.string(),
  contractHash: z.string(),
  conduct: z.object({
    blocked: z.array(
      z.object({
        reason: z.string(),
        needs: z.string().nullable(),
        times: z.int(),
        firstAt: Instant,
        lastAt: Instant,
        open: z.boolean(),
      }),
    ),
    nudges: z.int(),
    nudge: z.object({ pattern: z.string(), evidence: z.string(), at: Instant }).nullable(),
    messages: z.array(
      z.object({ by: z.string(), text: z.string(), at: Instant, toldEpoch: z.int().nullable() }),
    ),
  }),
  closure: z
    .object({
      outcome: OutcomeSchema,
      scorecard: scorecardSchema,
      decision: z.enum(["undecided", "retire", "standby", "template"]),
      closedAt: Instant,
      report: z.string().meta({ description: "The closure report, Markdown." }),
    })
    .nullable(),
});

const livenessViewSchema = z.object({
  process: z
    .object({
      state: z.enum(["running", "stopped", "zombie", "gone"]),
      pid: z.int().nullable(),
      startTicks: z.int().nullable(),
      bootId: z.string(),
      sinceMs: z.number(),
    })
    .nullable(),
  protocolAgeMs: z.number().nullable(),
  progressAgeMs: z.number().nullable(),
  openTools: z.array(z.object({ id: z.string(), leftMs: z.number() })),
  suspicion: z
    .number()
    .nullable()
    .meta({ description: "Phi of the present silence; ranks, and decides nothing." }),
  recovery: z
    .object({
      cause: z.enum(["silent", "shim_stopped", "agent_stopped", "agent_gone"]),
      rung: z.enum(RUNGS),
      since: Instant,
      tries: z.int(),
      text: z.string(),
    })
    .nullable(),
  throttledUntil: Instant.nullable(),
});

export const cloneViewSchema = z.object({
  name: z.string(),
  phase: z.string(),
  generation: z.int(),
  epoch: z.int(),
  mission: z.string().nullable(),
  since: Instant,
  instance: z
    .object({
      epoch: z.int(),
      driver: z.string(),
      containment: z.string(),
      health: z.string(),
      agentPhase: z.string().nullable(),
      liveness: livenessViewSchema,
      heartbeatAgeMs: z.number().nullable(),
      progressAgeMs: z.number().nullable(),
      startedAt: Instant,
    })
    .nullable(),
  holds: z.array(holdSchema),
  conditions: z.array(conditionSchema),
  restarts: z.int(),
  digest: z.string().nullable(),
  revision: z.string().nullable(),
});

export const issueSchema = z.object({
  severity: z.enum(["error", "warning"]),
  reason: z.string(),
  file: z.string(),
  line: z.int().exactOptional(),
  column: z.int().exactOptional(),
  field: z.string().exactOptional(),
  message: z.string(),
  found: z.string().exactOptional(),
  expected: z.string().exactOptional(),
});

const drillResultSchema = z.object({
  at: z.string(),
  target: z.string(),
  enter: z.enum(["term", "now"]),
  passed: z.boolean(),
  deathMs: z.number().nullable(),
  containment: z.enum(CONTAINMENTS).nullable(),
  rung: z.string().nullable(),
  evidence: z.string(),
});

const drillsViewSchema = z.object({
  plan: z.object({ schedule: z.string(), timezone: z.string(), nextAt: Instant.nullable() }).nullable(),
  newest: z.array(drillResultSchema),
  overdue: z.array(z.object({ target: z.string(), dueAt: Instant, reason: z.string() })),
});

export const fleetViewSchema = z.object({
  installation: z.string(),
  mode: z.enum(["normal", "in_core_only"]),
  now: Instant,
  source: z.object({
    state: z.enum(["ok", "verified_empty", "error", "unknown"]),
    reason: z.string(),
    message: z.string(),
    revision: z.string().nullable(),
    observedAt: Instant.nullable(),
  }),
  missions: z.array(missionViewSchema),
  clones: z.array(cloneViewSchema),
  issues: z.array(issueSchema),
  held: z.array(z.object({ subject: z.string(), step: z.string(), reason: z.string(), message: z.string() })),
  drills: drillsViewSchema,
  callbacks: z.object({
    destinations: z.array(
      z.object({
        name: z.string(),
        type: z.enum(["webhook", "slack", "command", "file", "log", "issue"]),
        state: z.enum(["ok", "failing", "gone", "not_connected"]),
        failingSince: Instant.nullable(),
        waiting: z.int(),
        dead: z.int(),
        backlog: z.boolean(),
        lastProblem: z.string().nullable(),
      }),
    ),
    waiting: z.int(),
    deadLetters: z.int(),
    backlog: z.boolean(),
  }),
  counts: z.record(PhaseSchema, z.int()),
});

const guardrailSchema = z.enum(["success", "incidents", "latency", "interventions"]);
const breachSchema = z.object({
  guardrail: guardrailSchema,
  measured: z.number(),
  threshold: z.number(),
  message: z.string(),
});

export const guardrailsViewSchema = z.object({
  mode: z.enum(["normal", "in_core_only"]),
  because: z.string(),
  measures: z.object({
    missions: z.int(),
    successPercent: z.number().nullable(),
    highIncidentsPerTen: z.number().nullable(),
    acceptedP95Ms: z.number().nullable(),
    interventionsPerMission: z.number().nullable(),
  }),
  thresholds: z.object({
    minSuccessPercent: z.number(),
    closedMissionsWindow: z.int(),
    maxHighIncidentsPerTenMissions: z.number(),
    maxAcceptedP95Seconds: z.number(),
    maxInterventionsPerMission: z.number(),
    sustainedMinutes: z.number(),
    onBreach: z.enum(["drain", "pause"]),
    lift: z.string().nullable(),
  }),
  breaches: z.array(breachSchema.extend({ since: Instant, tripsAt: Instant })),
  pin: z
    .object({
      id: z.string(),
      at: Instant,
      expiresAt: Instant,
      breaches: z.array(breachSchema),
      revision: z.string(),
      proposal: z.object({ branch: z.string(), commit: z.string() }).nullable(),
      merged: z.boolean(),
    })
    .nullable(),
  turns: z.array(
    z.object({
      at: Instant,
      type: z.enum(["tripped", "renewed", "merged", "expired", "lifted"]),
      pin: z.string(),
      message: z.string(),
    }),
  ),
});

export const deadLetterSchema = z.object({
  id: z.string(),
  from: z.enum(["controller", "shim"]),
  destination: z.string(),
  kind: z.string(),
  subject: z.string(),
  mission: z.string().nullable(),
  since: Instant,
  reason: z.string(),
  problem: z.string().nullable(),
  attempts: z.int(),
});

const rolloutViewSchema = z.object({
  group: z.string(),
  state: z.enum(["stable", "trying", "refused"]),
  stable: z.string().nullable(),
  candidate: z
    .object({
      digest: z.string(),
      revision: z.string(),
      since: Instant,
      canaries: z.array(z.string()),
    })
    .nullable(),
  refused: z
    .object({
      digest: z.string(),
      revision: z.string(),
      at: Instant,
      reason: z.string(),
      reverted: z.array(z.string()),
    })
    .nullable(),
  turns: z.array(
    z.object({
      at: Instant,
      type: z.enum(["begun", "canary", "stable", "refused", "superseded", "withdrawn"]),
      digest: z.string(),
      message: z.string(),
    }),
  ),
});
export const rolloutsSchema = z.object({ rollouts: z.array(rolloutViewSchema) });

const counts = z.record(z.string(), z.int());
const periodSchema = z.object({
  from: Instant,
  to: Instant,
  missions: z.int(),
  outcomes: z.partialRecord(OutcomeSchema, z.int()),
  successPercent: z.number().nullable(),
  acceptedP50Ms: z.number().nullable(),
  acceptedP95Ms: z.number().nullable(),
  totalP50Ms: z.number().nullable(),
  waitingPercent: z.number().nullable(),
  incidentsPerMission: z.number().nullable(),
  incidentsByClass: counts,
  timeToDetectMs: z.number().nullable(),
  timeToEndMs: z.number().nullable(),
  interventionsPerMission: z.number().nullable(),
  restartsPerMission: z.number().nullable(),
  costUsd: z.number().nullable(),
  costKnown: z.int(),
  costPerAcceptedUsd: z.number().nullable(),
});

export const trendsSchema = z.object({
  now: periodSchema,
  before: periodSchema,
  missions: z.array(
    z.object({
      mission: z.string(),
      run: z.int(),
      outcome: OutcomeSchema,
      closedAt: Instant,
      criteriaMet: z.int(),
      criteriaTotal: z.int(),
      totalMs: z.number().nullable(),
      incidents: z.int(),
      interventions: z.int(),
      costUsd: z.number().nullable(),
    }),
  ),
});

export const whyViewSchema = z.object({
  subject: z.string(),
  kind: z.enum(["mission", "clone"]),
  runs: z.boolean(),
  headline: z.string(),
  steps: z.array(
    z.object({
      step: z.string(),
      name: z.string(),
      ok: z.boolean().nullable(),
      reason: z.string(),
      evidence: z.string(),
      since: Instant.nullable(),
      next: z.string().nullable(),
    }),
  ),
  provenance: z.record(z.string(), z.string()),
  recent: z.array(z.object({ at: Instant, type: z.string(), text: z.string() })),
});

export const requestViewSchema = z.object({
  evidence: z.array(z.string()),
  answers: z.array(z.enum(DECISION_TYPES)),
  severity: z.enum(SEVERITIES),
  owner: z.string(),
  requestedBy: z.string(),
  binds: z.string().nullable(),
  expiresAt: Instant.nullable(),
  acknowledged: z.object({ by: z.string(), at: Instant }).nullable(),
  remindAt: Instant,
  reminders: z.int(),
  votes: z.array(z.object({ by: z.string(), at: Instant })),
  quorum: z.int(),
});

export const inboxItemSchema = z.object({
  id: z.string(),
  severity: z.enum(["info", "warning", "critical"]),
  kind: z.string(),
  subject: z.string(),
  since: Instant,
  message: z.string(),
  answers: z.array(z.string()),
  request: requestViewSchema.exactOptional(),
});

type Same<Left, Right> = Left extends Right ? (Right extends Left ? true : never) : never;
type Loose<T> = T extends readonly (infer Item)[]
  ? readonly Loose<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Loose<T[Key]> }
    : T;
export const VIEWS_AGREE: [
  Same<Loose<z.infer<typeof fleetViewSchema>>, FleetView>,
  Same<Loose<z.infer<typeof missionViewSchema>>, MissionView>,
  Same<Loose<z.infer<typeof cloneViewSchema>>, CloneView>,
  Same<Loose<z.infer<typeof whyViewSchema>>, WhyView>,
  Same<Loose<z.infer<typeof inboxItemSchema>>, InboxItem>,
  Same<Loose<z.infer<typeof guardrailsViewSchema>>, GuardrailsView>,
  Same<Loose<z.infer<typeof deadLetterSchema>>, DeadLetterView>,
  Same<Loose<z.infer<typeof trendsSchema>>, Trends>,
  Same<Loose<z.infer<typeof rolloutViewSchema>>, RolloutView>,
] = [true, true, true, true, true, true, true, true, true];
