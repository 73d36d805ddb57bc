/** Values of one field that several messages share, each with its bound. */
import { z } from "zod";
import { METER_TRUSTS, USAGE_SOURCE_CHARS_MAX } from "../core/model/mission.ts";

/** Of an id, a name of a tool, a reference. */
const ID_CHARS_MAX = 200;
/** In a list of an envelope: tools, criteria, outputs. */
export const LIST_ITEMS_MAX = 200;

export const Id = z.string().min(1).max(ID_CHARS_MAX);
export const Names = z.array(Id).max(LIST_ITEMS_MAX);
/** `m_` and 1 to 64 lower-case letters and digits. */
export const MissionId = z
  .string()
  .regex(/^m_[0-9a-z]{1,64}$/)
  .max(ID_CHARS_MAX);
/** W3C trace id: 32 lower-case hex digits, not all of them zero. */
export const TraceId = z
  .string()
  .regex(/^[0-9a-f]{32}$/)
  .refine((id) => id !== "0".repeat(32), { message: "a trace id is not all zeros" });
/** RFC 3339, with an offset. */
export const Timestamp = z.iso.datetime({ offset: true });
export const Count = z.int().min(0);
export const Epoch = z.int().min(1);
export const Seq = z.int().min(1);
/** Since something happened. Ages need no common clock. */
export const AgeMs = z.number().min(0).max(Number.MAX_SAFE_INTEGER);
/** In USD; its micros are exact whole numbers. A shim says far less, whatever its agent says. */
export const Cost = z.number().min(0).max(1_000_000_000);
/**
 * How far the calls and the cost beside it can be trusted: counted by us at the provider's door, said by the agent, derived
 * from its tokens and the fleet's prices, or not known at all. Absent from shims of an older version: `reported`, or
 * `derived` where `cost_derived` says so.
 */
export const Trust = z.enum(METER_TRUSTS);
/** Names of those who counted; null while nothing was counted. */
export const UsageSource = z.string().min(1).max(USAGE_SOURCE_CHARS_MAX).nullable();
