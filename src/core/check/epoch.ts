import type { CloneEvent } from "../model/event.ts";

/** The epoch that an event is about, for those that are about an instance. */
export function epochOf(event: CloneEvent): number | null {
  if (event.type === "stray.found") return event.handle.epoch;
  return "epoch" in event ? event.epoch : null;
}
