import { z } from "zod";
import { Count, Id, LIST_ITEMS_MAX, MissionId, Names, Timestamp, TraceId } from "./scalars.ts";
import type { Wire } from "./wire.ts";

const OBJECTIVE_CHARS_MAX = 20_000;
const TEXT_CHARS_MAX = 2_000;
const PATH_CHARS_MAX = 1_000;

/**
 * Mission envelope v1: what is handed to a clone at dispatch (gate 4.1). Documented in `specs/mission-envelope-v1.md`.
 * Unknown fields are refused: no other program writes one.
 */
export const MissionEnvelope = z
  .strictObject({
    mission_id: MissionId,
    /** The clone's name. */
    vp_id: Id,
    /** `<clone>/<epoch>` */
    vp_session_id: Id,
    /** The launch's nonce. */
    vp_runtime_id: Id,
    /** The installation that dispatches. */
    source_instance_id: Id,
    target_instance_id: Id,
    mission_type: z.enum(["coding", "research", "automation", "custom"]),
    objective: z.string().min(1).max(OBJECTIVE_CHARS_MAX),
    constraints: z.strictObject({ allowed_tools: Names, forbidden_tools: Names, approval_required: Names }),
    budget: z.strictObject({
      max_runtime_minutes: z.number().positive(),
      max_llm_calls: Count.nullable(),
      max_cost_usd: z.number().min(0).nullable(),
    }),
    /** Null where the window is open on that side. */
    autonomy_window: z.strictObject({ start_at: Timestamp.nullable(), end_at: Timestamp.nullable() }),
    heartbeat_interval_seconds: z.int().min(1).max(3_600),
    report_cadence: z.enum(["milestone", "interval", "hybrid"]),
    success_criteria: z
      .array(z.strictObject({ id: Id, text: z.string().min(1).max(TEXT_CHARS_MAX) }))
      .min(1)
      .max(LIST_ITEMS_MAX),
    artifact_policy: z.strictObject({
      required_outputs: z
        .array(
          z.strictObject({
            path: z.string().min(1).max(PATH_CHARS_MAX),
            schema: z.string().min(1).max(PATH_CHARS_MAX).exactOptional(),
          }),
        )
        .max(LIST_ITEMS_MAX),
      storage_scope: z.enum(["factory", "shared", "pushback"]),
    }),
    /** Where the shim reports to; the token is never in the envelope. */
    callback: z.strictObject({
      status_url: z
        .string()
        .regex(/^(https?:\/\/[^\s]+|unix:\/.+)$/)
        .max(TEXT_CHARS_MAX),
      auth_mode: z.literal("bearer"),
      auth_ref: Id,
    }),
    idempotency_key: Id,
    trace_id: TraceId,
    created_at: Timestamp,
  })
  .meta({ title: "Mission envelope v1", description: "What is handed to a clone at dispatch." });
export type MissionEnvelope = Wire<typeof MissionEnvelope>;
