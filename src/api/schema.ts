import { z } from "zod";
import type { MissionEnvelope } from "./envelope.ts";
import type { WireEvent, WireHeartbeat } from "./event.ts";
import { WIRE_EVENT_TYPES } from "./event.ts";

/** Limits on what travels. A body that keeps them stays far below the receiver's cap on bytes. */
export const SUMMARY_CHARS_MAX = 4_000;
export const ARTIFACT_REFS_MAX = 200;
export const OPEN_TOOL_CALLS_MAX = 200;
/** Of `detail` as JSON. Tails and notes are cut by the sender before this. */
export const DETAIL_CHARS_MAX = 128 * 1024;
const ID_CHARS_MAX = 200;
const TEXT_CHARS_MAX = 2_000;
const OBJECTIVE_CHARS_MAX = 20_000;
const PATH_CHARS_MAX = 1_000;
const LIST_ITEMS_MAX = 200;

const Id = z.string().min(1).max(ID_CHARS_MAX);
const MissionId = z
  .string()
  .regex(/^m_[0-9a-z]{1,64}$/)
  .max(ID_CHARS_MAX);
const TraceId = z
  .string()
  .regex(/^[0-9a-f]{32}$/)
  .refine((id) => id !== "0".repeat(32), { message: "a trace id is not all zeros" });
const Timestamp = z.iso.datetime({ offset: true });
const Count = z.int().min(0);
const Epoch = z.int().min(1);
const Seq = z.int().min(1);
const AgeMs = z.number().min(0).max(Number.MAX_SAFE_INTEGER);
/** In USD; its micros are exact whole numbers. A shim says far less, whatever its agent says. */
const Cost = z.number().min(0).max(1_000_000_000);
const Names = z.array(z.string().min(1).max(ID_CHARS_MAX)).max(LIST_ITEMS_MAX);

/** Gate 4.1: what is handed to a clone at dispatch. Unknown fields are refused: it is ours alone. */
export const missionEnvelopeSchema = z
  .strictObject({
    mission_id: MissionId,
    vp_id: Id,
    vp_session_id: Id,
    vp_runtime_id: Id,
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
    callback: z.strictObject({
      status_url: z
        .string()
        .regex(/^https?:\/\/[^\s]+$/)
        .max(TEXT_CHARS_MAX),
      auth_mode: z.literal("bearer"),
      auth_ref: Id,
    }),
    idempotency_key: Id,
    trace_id: TraceId,
    created_at: Timestamp,
  })
  .meta({ title: "Mission envelope v1", description: "What is handed to a clone at dispatch." });

/** One event of an instance. Unknown fields are ignored, so that a newer shim can talk to an older controller. */
export const wireEventSchema = z
  .object({
    mission_id: MissionId.nullable(),
    vp_id: Id,
    vp_session_id: Id,
    vp_runtime_id: Id,
    event_type: z.enum(WIRE_EVENT_TYPES),
    status: z.enum(["queued", "running", "blocked", "completed", "failed", "cancelled", "timed_out"]),
    summary: z.string().max(SUMMARY_CHARS_MAX),
    artifact_refs: z
      .array(
        z.object({
          path: z.string().min(1).max(PATH_CHARS_MAX),
          sha256: z
            .string()
            .regex(/^[0-9a-f]{64}$/)
            .exactOptional(),
          bytes: Count.exactOptional(),
        }),
      )
      .max(ARTIFACT_REFS_MAX),
    usage: z.object({
      runtime_minutes: z.number().min(0),
      llm_calls: Count.nullable(),
      estimated_cost_usd: Cost.nullable(),
      cost_derived: z.literal(true).exactOptional(),
    }),
    trace_id: TraceId,
    idempotency_key: Id,
    emitted_at: Timestamp,
    epoch: Epoch,
    seq: Seq,
    detail: z
      .record(z.string().max(ID_CHARS_MAX), z.unknown())
      .refine((detail) => JSON.stringify(detail).length <= DETAIL_CHARS_MAX, {
        message: `is longer than ${DETAIL_CHARS_MAX} characters`,
      }),
  })
  .refine((event) => event.idempotency_key === `${event.vp_id}/${event.epoch}/${event.seq}`, {
    path: ["idempotency_key"],
    message: "is not <vp_id>/<epoch>/<seq>",
  })
  .refine((event) => event.vp_session_id === `${event.vp_id}/${event.epoch}`, {
    path: ["vp_session_id"],
    message: "is not <vp_id>/<epoch>",
  })
  .refine((event) => event.mission_id !== null || !event.event_type.startsWith("mission."), {
    path: ["mission_id"],
    message: "is null in an event of a mission",
  })
  .meta({ title: "Mission event v1", description: "`data` of a CloudEvent that a clone's shim sends." });

export const wireHeartbeatSchema = z
  .object({
    event_type: z.literal("clone.heartbeat"),
    mission_id: MissionId.nullable(),
    vp_id: Id,
    vp_runtime_id: Id,
    epoch: Epoch,
    seq: Seq,
    last_event_seq: Count,
    phase: z.enum(["standby", "starting", "running", "paused", "throttled", "stopping", "exited"]),
    last_event_age_ms: AgeMs,
    last_progress_age_ms: AgeMs,
    open_tool_calls: z
      .array(z.object({ id: Id, age_ms: AgeMs, deadline_ms: AgeMs.nullable() }))
      .max(OPEN_TOOL_CALLS_MAX),
    usage: z.object({
      llm_calls: Count.nullable(),
      estimated_cost_usd: Cost.nullable(),
      cost_derived: z.literal(true).exactOptional(),
      active_ms: AgeMs,
    }),
    process: z
      .object({
        state: z.enum(["running", "stopped", "zombie", "gone"]),
        pid: Count.nullable(),
        start_ticks: Count.nullable(),
        boot_id: z.string().max(ID_CHARS_MAX),
        since_ms: AgeMs,
      })
      .nullable()
      .exactOptional(),
    throttled_ms: AgeMs.exactOptional(),
  })
  .meta({ title: "Heartbeat v1", description: "`data` of a `clone.heartbeat` CloudEvent." });

// The schemas and the interfaces are one shape: these lines fail to compile when they drift apart.
type Same<Left, Right> = Left extends Right ? (Right extends Left ? true : never) : never;
type Loose<T> = T extends readonly (infer Item)[]
  ? readonly Loose<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Loose<T[Key]> }
    : T;
export const SHAPES_AGREE: [
  Same<Loose<z.infer<typeof missionEnvelopeSchema>>, MissionEnvelope>,
  Same<Loose<z.infer<typeof wireEventSchema>>, WireEvent>,
  Same<Loose<z.infer<typeof wireHeartbeatSchema>>, WireHeartbeat>,
] = [true, true, true];
