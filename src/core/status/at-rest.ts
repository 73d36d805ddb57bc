import { type FleetSnapshot, missionViews } from "./fleet.ts";

/** Whether every declared mission is closed, or not to be run, and nothing of the fleet lives. */
export function isAtRest(fleetSnapshot: FleetSnapshot): boolean {
  if (fleetSnapshot.source.state === "unknown") return false;
  const views = missionViews(fleetSnapshot);
  const busy = [...fleetSnapshot.states.values()].some(
    (state) => state.mission !== null || state.instance !== null,
  );
  return (
    !busy &&
    views.length > 0 &&
    views.every((mission) => mission.closure !== null || isPassedOver(fleetSnapshot, mission.name))
  );
}

/** Declared, but not to be run: cancelled before it began. */
function isPassedOver(fleetSnapshot: FleetSnapshot, name: string): boolean {
  return fleetSnapshot.held.some(
    (held) =>
      held.subject === `mission/${name}` &&
      (held.reason === "Cancelled" || held.reason === "KillSwitchEngaged"),
  );
}
