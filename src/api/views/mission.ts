import { z } from "zod";
import { METERS } from "../../core/model/event.ts";
import { METER_TRUSTS } from "../../core/model/mission.ts";
import { BUDGET_FIELDS } from "../../core/model/request.ts";
import type { Scorecard } from "../../core/model/scorecard.ts";
import type { MissionView } from "../../core/status/view.ts";
import { asWritten } from "../json-schema.ts";
import { named } from "../named.ts";
import { ConditionShape, HoldShape, Instant, OutcomeName, PhaseName, Span } from "./common.ts";
import { viewOf } from "./view.ts";

/** A document of the status branch, in the words that stand there. */
export const ScorecardShape = named(
  "Scorecard",
  asWritten(
    z.object({
      mission: z.string(),
      mission_id: z.string(),
      outcome: OutcomeName,
      quality: z.object({
        criteria_total: z.int(),
        criteria_met: z.int(),
        criteria_pending: z.int(),
        outputs_required: z.int(),
        outputs_valid: z.int(),
        human_review: z.object({ met: z.int(), unmet: z.int(), by: z.array(z.string()) }),
      }),
      latency: z.object({
        queue_ms: Span.nullable(),
        accepted_ms: Span.nullable(),
        first_progress_ms: Span.nullable(),
        total_ms: Span.nullable(),
        waiting_for_people_ms: Span,
      }),
      incidents: z.object({
        total: z.int(),
        by_class: z.record(z.string(), z.int()),
        by_severity: z.record(z.string(), z.int()),
        time_to_detect_ms: Span.nullable(),
        time_to_end_ms: Span.nullable(),
      }),
      maintainability: z.object({
        files_from_baseline: z.int(),
        files_from_overlays: z.int(),
        interventions: z.int(),
        restarts: z.int(),
      }),
      economics: z.object({
        active_ms: Span,
        llm_calls: z.int().nullable(),
        cost_usd: z.number().nullable(),
        usage_trust: z.enum(METER_TRUSTS),
        usage_source: z.string().nullable().exactOptional(),
        cost_per_accepted_usd: z.number().nullable(),
        over_limit: z.array(z.enum(METERS)).exactOptional(),
        runtime_budget_left: z.number(),
        llm_budget_left: z.number().nullable(),
        cost_budget_left: z.number().nullable(),
      }),
    }) satisfies z.ZodType<Scorecard>,
  ),
);

const Usage = z.object({
  active_ms: Span,
  llm_calls: z.int().nullable(),
  cost_micros: z.int().nullable(),
  trust: z.enum(METER_TRUSTS),
  source: z.string().nullable().meta({ description: "Names of those who counted calls and cost." }),
});

const Budget = z.object({
  max_runtime_minutes: z.number(),
  max_llm_calls: z.number().nullable(),
  max_cost_usd: z.number().nullable(),
  raised: z.array(
    z.object({
      limit: z.enum(BUDGET_FIELDS),
      from: z.number(),
      to: z.number(),
      by: z.string(),
      at: Instant,
    }),
  ),
});

const Conduct = z.object({
  blocked: z.array(
    z.object({
      reason: z.string(),
      needs: z.string().nullable(),
      times: z.int(),
      first_at: Instant,
      last_at: Instant,
      open: z.boolean(),
    }),
  ),
  nudges: z.int(),
  nudge: z.object({ pattern: z.string(), evidence: z.string(), at: Instant }).nullable(),
  messages: z.array(
    z.object({ by: z.string(), text: z.string(), at: Instant, told_epoch: z.int().nullable() }),
  ),
});

const Closure = z.object({
  outcome: OutcomeName,
  scorecard: ScorecardShape,
  decision: z.enum(["undecided", "retire", "standby", "template"]),
  closed_at: Instant,
  criteria: z.array(
    z.object({
      id: z.string(),
      text: z.string(),
      state: z.enum(["met", "unmet", "pending"]),
      by: z.string().nullable(),
    }),
  ),
  report: z.string().meta({ description: "The closure report, Markdown." }),
});

export const MissionShape = viewOf<MissionView>()(
  "MissionView",
  z.object({
    name: z.string(),
    mission_id: z.string(),
    run: z.int(),
    clone: z.string(),
    objective: z.string(),
    phase: PhaseName,
    outcome: OutcomeName.nullable(),
    summary: z.string(),
    since: Instant,
    holds: z.array(HoldShape),
    conditions: z.array(ConditionShape),
    usage: Usage,
    budget: Budget,
    revision: z.string(),
    contract_hash: z.string(),
    conduct: Conduct,
    closure: Closure.nullable(),
  }),
);
