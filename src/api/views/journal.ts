import { z } from "zod";
import type { CloneEvent } from "../../core/model/event.ts";
import type { FleetEvent } from "../../core/model/fleet-event.ts";
import type { Written } from "../casing.ts";
import { asWritten } from "../json-schema.ts";
import { named } from "../named.ts";
import { Instant } from "./common.ts";

/** The record's own format: a hash is taken over it, so that nothing here may rename or reorder what it holds. */
const Recorded = z.looseObject({ type: z.string() }).meta({
  description: "As it is recorded; its hash is taken over this.",
});

/** An event of a clone, or of the fleet as a whole. */
export type RecordedOnWire = ChainPlace &
  (
    | { readonly clone: string; readonly mission_id: string | null; readonly event: Written<CloneEvent> }
    | { readonly clone: null; readonly mission_id: null; readonly event: Written<FleetEvent> }
  );

export interface ChainPlace {
  readonly seq: number;
  readonly at: number;
  readonly hash: string;
  readonly prev_hash: string;
}

const RecordedShape = z.object({
  seq: z.int(),
  at: Instant,
  clone: z.string().nullable().meta({ description: "Null: it happened to the fleet as a whole." }),
  mission_id: z.string().nullable(),
  event: asWritten(Recorded),
  hash: z.string(),
  prev_hash: z.string(),
});

export const RecordedEventShape = named(
  "RecordedEvent",
  // One object on the wire; whose event it is says which events it may be.
  RecordedShape as unknown as z.ZodType<RecordedOnWire, RecordedOnWire>,
);
