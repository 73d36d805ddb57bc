/** Fields that operations share, each with its bound. */
import { z } from "zod";

/** Of missions, clones, labels and criteria. */
export const NAME_CHARS_MAX = 253;
export const REASON_CHARS_MAX = 1_000;

export const Name = z.string().min(1).max(NAME_CHARS_MAX);
/** Of a mission or of a clone: both name the same lane. */
export const Subject = Name.meta({ description: "Name of a mission or of a clone." });
export const Reason = z.string().max(REASON_CHARS_MAX).default("").meta({ description: "Is recorded." });
export const Moment = z.int().min(0).meta({ description: "Milliseconds since 1970, UTC." });
export const Commit = z
  .string()
  .regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/)
  .meta({ description: "A full commit id." });

export function count(min: number, max: number) {
  return z.int().min(min).max(max);
}
