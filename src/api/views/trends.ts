import { z } from "zod";
import type { Trends } from "../../core/status/trends.ts";
import { Instant, OutcomeName, Span } from "./common.ts";
import { viewOf } from "./view.ts";

const Period = z.object({
  from: Instant,
  to: Instant,
  missions: z.int(),
  outcomes: z.partialRecord(OutcomeName, z.int()),
  success_percent: z.number().nullable(),
  accepted_p50_ms: Span.nullable(),
  accepted_p95_ms: Span.nullable(),
  total_p50_ms: Span.nullable(),
  waiting_percent: z.number().nullable(),
  incidents_per_mission: z.number().nullable(),
  incidents_by_class: z.record(z.string(), z.int()),
  time_to_detect_ms: Span.nullable(),
  time_to_end_ms: Span.nullable(),
  interventions_per_mission: z.number().nullable(),
  restarts_per_mission: z.number().nullable(),
  cost_usd: z.number().nullable(),
  cost_known: z.int(),
  cost_per_accepted_usd: z.number().nullable(),
});

export const TrendsShape = viewOf<Trends>()(
  "Trends",
  z.object({
    now: Period,
    before: Period,
    missions: z.array(
      z.object({
        mission: z.string(),
        run: z.int(),
        outcome: OutcomeName,
        closed_at: Instant,
        criteria_met: z.int(),
        criteria_total: z.int(),
        total_ms: Span.nullable(),
        incidents: z.int(),
        interventions: z.int(),
        cost_usd: z.number().nullable(),
      }),
    ),
  }),
);
