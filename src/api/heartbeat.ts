import { z } from "zod";
import { AgeMs, Cost, Count, Epoch, Id, MissionId, Seq, Trust, UsageSource } from "./scalars.ts";
import type { Wire } from "./wire.ts";

export const OPEN_TOOL_CALLS_MAX = 200;
const BOOT_ID_CHARS_MAX = 200;

/**
 * What a shim says every `heartbeat_interval_seconds`. Documented in `specs/events-v1.md`. Heartbeats are not numbered
 * with the events: one may be lost, and the next one says it all again.
 */
export const WireHeartbeat = z
  .object({
    event_type: z.literal("clone.heartbeat"),
    mission_id: MissionId.nullable(),
    vp_id: Id,
    vp_runtime_id: Id,
    epoch: Epoch,
    seq: Seq,
    /** Of the newest event in the shim's outbox; a receiver that has less has a gap. */
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
      trust: Trust.exactOptional(),
      source: UsageSource.exactOptional(),
      /** As shims of an older version say that trust is `derived`. */
      cost_derived: z.literal(true).exactOptional(),
      active_ms: AgeMs,
    }),
    /** The agent's main program; null while there is none. */
    process: z
      .object({
        state: z.enum(["running", "stopped", "zombie", "gone"]),
        pid: Count.nullable(),
        start_ticks: Count.nullable(),
        boot_id: z.string().max(BOOT_ID_CHARS_MAX),
        /** For how long it has been seen in this state. */
        since_ms: AgeMs,
      })
      .nullable()
      .exactOptional(),
    /** For how much longer the agent's provider makes it wait; absent when it does not. */
    throttled_ms: AgeMs.exactOptional(),
  })
  .meta({ title: "Heartbeat v1", description: "`data` of a `clone.heartbeat` CloudEvent." });
export type WireHeartbeat = Wire<typeof WireHeartbeat>;
