import { missionViews, type Picture } from "./fleet.ts";

/** Whether every declared mission is closed, or not to be run, and nothing of the fleet lives. */
export function isAtRest(picture: Picture): boolean {
  if (picture.source.state === "unknown") return false;
  const views = missionViews(picture);
  const busy = [...picture.states.values()].some(
    (state) => state.mission !== null || state.instance !== null,
  );
  return (
    !busy &&
    views.length > 0 &&
    views.every((mission) => mission.closure !== null || isPassedOver(picture, mission.name))
  );
}

/** Declared, but not to be run: cancelled before it began. */
function isPassedOver(picture: Picture, name: string): boolean {
  return picture.held.some(
    (held) =>
      held.subject === `mission/${name}` &&
      (held.reason === "Cancelled" || held.reason === "KillSwitchEngaged"),
  );
}
