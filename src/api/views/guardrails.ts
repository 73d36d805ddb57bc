import { z } from "zod";
import type { GuardrailsView } from "../../core/status/guardrails.ts";
import { Instant } from "./common.ts";
import { viewOf } from "./view.ts";

const Breach = z.object({
  guardrail: z.enum(["success", "incidents", "latency", "interventions"]),
  measured: z.number(),
  threshold: z.number(),
  message: z.string(),
});

const Measures = z.object({
  missions: z.int(),
  success_percent: z.number().nullable(),
  high_incidents_per_ten: z.number().nullable(),
  accepted_p95_ms: z.number().nullable(),
  interventions_per_mission: z.number().nullable(),
});

const Thresholds = z.object({
  min_success_percent: z.number(),
  closed_missions_window: z.int(),
  max_high_incidents_per_ten_missions: z.number(),
  max_accepted_p95_seconds: z.number(),
  max_interventions_per_mission: z.number(),
  sustained_minutes: z.number(),
  on_breach: z.enum(["drain", "pause"]),
  lift: z.string().nullable(),
});

const Pin = z.object({
  id: z.string(),
  at: Instant,
  expires_at: Instant,
  breaches: z.array(Breach),
  revision: z.string(),
  proposal: z.object({ branch: z.string(), commit: z.string() }).nullable(),
  merged: z.boolean(),
});

export const GuardrailsShape = viewOf<GuardrailsView>()(
  "GuardrailsView",
  z.object({
    mode: z.enum(["normal", "in_core_only"]),
    because: z.string(),
    measures: Measures,
    thresholds: Thresholds,
    breaches: z.array(Breach.extend({ since: Instant, trips_at: Instant })),
    pin: Pin.nullable(),
    turns: z.array(
      z.object({
        at: Instant,
        type: z.enum(["tripped", "renewed", "merged", "expired", "lifted"]),
        pin: z.string(),
        message: z.string(),
      }),
    ),
  }),
);
