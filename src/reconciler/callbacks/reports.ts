import { WireEvent } from "../../api/event.ts";
import type { WireHeartbeat } from "../../api/heartbeat.ts";
import type { MeterOrigin } from "../../core/model/mission.ts";
import type { Report } from "../../core/model/report.ts";
import { MINUTE_MS } from "../../core/model/time.ts";

/** A validated wire event as the core knows it. */
export function toReport(event: WireEvent): Report {
  return {
    type: event.event_type,
    seq: event.seq,
    missionId: event.mission_id,
    summary: event.summary,
    artifacts: event.artifact_refs,
    llmCalls: event.usage.llm_calls,
    costMicros:
      event.usage.estimated_cost_usd === null ? null : Math.round(event.usage.estimated_cost_usd * 1_000_000),
    ...toOrigin(event.usage),
    activeMs: Math.round(event.usage.runtime_minutes * MINUTE_MS),
    detail: event.detail,
  };
}

/** An older shim says only whether the cost is derived. */
export function toOrigin(usage: WireEvent["usage"] | WireHeartbeat["usage"]): MeterOrigin {
  const trust = usage.trust ?? (usage.cost_derived === true ? "derived" : undefined);
  return {
    ...(trust === undefined ? {} : { trust }),
    ...(usage.source === undefined ? {} : { source: usage.source }),
  };
}

/**
 * An event that came past the API, out of a shim's outbox. One that the API
 * would have refused keeps its place in the order, so that those after it can
 * be taken, and says that it could not be read.
 */
export function toPulledReport(event: WireEvent): Report {
  if (WireEvent.safeParse(event).success) return toReport(event);
  return {
    type: "mission.progress",
    seq: event.seq,
    missionId: null,
    summary: `event ${event.seq} of the outbox is not valid and was set aside`,
    artifacts: [],
    llmCalls: null,
    costMicros: null,
    detail: {},
  };
}
