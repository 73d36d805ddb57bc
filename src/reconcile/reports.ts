import type { Report } from "../core/model/report.ts";
import type { WireEvent } from "../wire/event.ts";

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
    detail: event.detail,
  };
}
