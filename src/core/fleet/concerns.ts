import type { FleetEvent } from "../model/fleet-event.ts";

/** The missions and clones that an event of the fleet names; none where it is about all of them. */
export function concerns(event: FleetEvent): readonly string[] {
  switch (event.type) {
    case "switch.engaged":
    case "switch.released":
      return event.entry.scope.type === "mission" ? [event.entry.scope.name] : [];
    case "rollout.canaries_chosen":
      return Object.keys(event.canaries);
    case "drill.passed":
    case "drill.failed":
      return [event.result.target];
    case "drill.overdue":
      return [event.overdue.target];
    case "drill.begun":
    case "drill.cut_off":
    case "drill.dropped":
      return [event.target];
    case "deletion.held":
    case "deletion.confirmed":
    case "deletion.withdrawn":
      return event.pending.names.map((name) => name.slice(name.indexOf("/") + 1));
    case "thread.shown":
      return [event.thread.subject, event.thread.clone];
    default:
      return [];
  }
}
