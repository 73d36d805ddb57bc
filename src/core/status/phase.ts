import type { CloneState, ClosedMission } from "../model/clone-state.ts";
import type { MissionPhase } from "../model/mission.ts";

/** Where the mission on this lane stands, in the words that people see. */
export function missionPhaseOf(state: CloneState): MissionPhase {
  const { mission } = state;
  if (mission === null) return "Pending";
  if (mission.terminal !== null) return "Closing";
  const held = state.holds.some((hold) => hold.kind !== "gate");
  switch (state.phase) {
    case "Running":
      if (held) return "Paused";
      return mission.blockers.length > 0 ? "Blocked" : "Running";
    case "Starting":
    case "Dispatching":
      return mission.restarts > 0 ? "Recovering" : "Starting";
    case "Preparing":
      return mission.restarts > 0 ? "Recovering" : "Preparing";
    case "Stopping":
    case "BackingOff":
      return held ? "Paused" : "Recovering";
    case "Quarantined":
      return "Paused";
    case "Judging":
    case "Postmortem":
      return "Closing";
    default:
      return held ? "Paused" : "Pending";
  }
}

/** A mission that completed but was not accepted has failed; one that waits for a reviewer has completed. */
export function closedPhaseOf(closed: ClosedMission): MissionPhase {
  switch (closed.terminal.status) {
    case "completed":
      if (closed.outcome === "ignored") return "Cancelled";
      return closed.outcome === "rejected" || closed.outcome === "unknown" ? "Failed" : "Completed";
    case "cancelled":
      return "Cancelled";
    case "timed_out":
      return "TimedOut";
    default:
      return "Failed";
  }
}
