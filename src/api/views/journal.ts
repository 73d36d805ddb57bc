import { z } from "zod";
import type { CloneEvent } from "../../core/model/event.ts";
import { asWritten } from "../casing.ts";
import { named } from "../named.ts";
import { Instant } from "./common.ts";

/** The record's own format: a hash is taken over it, so that nothing here may rename or reorder what it holds. */
const Recorded = z.looseObject({ type: z.string() }).meta({
  description: "As it is recorded; its hash is taken over this.",
}) as unknown as z.ZodType<CloneEvent>;

export const RecordedEventShape = named(
  "RecordedEvent",
  z.object({
    seq: z.int(),
    at: Instant,
    clone: z.string(),
    mission_id: z.string().nullable(),
    event: asWritten(Recorded),
    hash: z.string(),
    prev_hash: z.string(),
  }),
);
