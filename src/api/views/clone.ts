import { z } from "zod";
import { RUNGS } from "../../core/model/liveness.ts";
import type { CloneView } from "../../core/status/view.ts";
import { ConditionShape, HoldShape, Instant, Span } from "./common.ts";
import { viewOf } from "./view.ts";

const Process = z.object({
  state: z.enum(["running", "stopped", "zombie", "gone"]),
  pid: z.int().nullable(),
  start_ticks: z.int().nullable(),
  boot_id: z.string(),
  since_ms: Span,
});

const Liveness = z.object({
  process: Process.nullable(),
  protocol_age_ms: Span.nullable(),
  progress_age_ms: Span.nullable(),
  open_tools: z.array(z.object({ id: z.string(), left_ms: Span })),
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
  throttled_until: Instant.nullable(),
});

const Instance = z.object({
  epoch: z.int(),
  driver: z.string(),
  containment: z.string(),
  health: z.string(),
  agent_phase: z.string().nullable(),
  heartbeat_age_ms: Span.nullable(),
  progress_age_ms: Span.nullable(),
  started_at: Instant,
  liveness: Liveness,
});

export const CloneShape = viewOf<CloneView>()(
  "CloneView",
  z.object({
    name: z.string(),
    phase: z.string(),
    generation: z.int(),
    epoch: z.int(),
    mission: z.string().nullable(),
    since: Instant,
    instance: Instance.nullable(),
    holds: z.array(HoldShape),
    conditions: z.array(ConditionShape),
    restarts: z.int(),
    digest: z.string().nullable(),
    revision: z.string().nullable(),
  }),
);
