import { z } from "zod";
import { WireEvent } from "./event.ts";
import { WireHeartbeat } from "./heartbeat.ts";
import { named } from "./named.ts";
import { Timestamp } from "./scalars.ts";
import type { Wire } from "./wire.ts";

/** CloudEvents 1.0, structured mode: attributes and data in one object. Unknown attributes are extensions and ignored. */
export const CloudEvent = z.object({
  specversion: z.literal("1.0"),
  id: z.string().min(1),
  source: z.string().min(1),
  type: z.string().min(1),
  datacontenttype: z.literal("application/json").exactOptional(),
  time: Timestamp.exactOptional(),
  subject: z.string().min(1).exactOptional(),
  data: z.unknown(),
});
export type CloudEvent = Wire<typeof CloudEvent>;

/** What a shim sends, as it is described to the outside: which data it is follows from `type`. */
export const EventData = named(
  "EventData",
  z.union([named("MissionEvent", WireEvent), named("Heartbeat", WireHeartbeat)]),
);
export const StructuredEvent = named("CloudEvent", CloudEvent.extend({ data: EventData }));
export const EventBatch = named("CloudEventBatch", z.array(StructuredEvent));
