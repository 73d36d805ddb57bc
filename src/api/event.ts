import { z } from "zod";
import { REPORT_TYPES, type ReportType } from "../core/model/report.ts";
import { Cost, Count, Epoch, Id, MissionId, Seq, Timestamp, TraceId, Trust, UsageSource } from "./scalars.ts";
import type { Wire } from "./wire.ts";

/** Limits on what travels. A body that keeps them stays far below the receiver's cap on bytes. */
export const SUMMARY_CHARS_MAX = 4_000;
export const ARTIFACT_REFS_MAX = 200;
/** Of `detail` as JSON. Tails and notes are cut by the sender before this. */
export const DETAIL_CHARS_MAX = 128 * 1024;
const PATH_CHARS_MAX = 1_000;
const KEY_CHARS_MAX = 200;

/**
 * What a shim reports. Documented in `specs/events-v1.md`. It travels as the `data` of a CloudEvent whose `id` is
 * `idempotency_key`, whose `type` is `event_type` and whose `source` is `/clones/<vp_id>/<epoch>`.
 * Unknown fields are ignored, so that a newer shim can talk to an older controller.
 */
export const WireEvent = z
  .object({
    /** Null for events of an instance that has no mission yet. */
    mission_id: MissionId.nullable(),
    vp_id: Id,
    vp_session_id: Id,
    vp_runtime_id: Id,
    event_type: z.enum(REPORT_TYPES),
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
    /** Unknown is null, never 0. `runtime_minutes` is measured by the shim. Cumulative for the instance. */
    usage: z.object({
      runtime_minutes: z.number().min(0),
      llm_calls: Count.nullable(),
      estimated_cost_usd: Cost.nullable(),
      trust: Trust.exactOptional(),
      source: UsageSource.exactOptional(),
      /** As shims of an older version say that trust is `derived`. */
      cost_derived: z.literal(true).exactOptional(),
    }),
    trace_id: TraceId,
    /** `<clone>/<epoch>/<seq>` */
    idempotency_key: Id,
    emitted_at: Timestamp,
    epoch: Epoch,
    /** 1, 2, 3 … per instance, without gaps, in the order of the shim's outbox. */
    seq: Seq,
    /** Facts of the type; see `REPORT_TYPES`. */
    detail: z
      .record(z.string().max(KEY_CHARS_MAX), z.unknown())
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
export type WireEvent = Wire<typeof WireEvent>;
export type WireEventType = ReportType;
