import type { FleetPolicy, MissionStop } from "../core/model/desired.ts";
import { valueAt } from "./schema/explain.ts";
import type { Kind } from "./schema/kinds.ts";

/** What a file asks for about stopping, as far as it could be read. Of use when the rest of it cannot be used: stop passes every gate. */
export interface Stops {
  readonly mission: MissionStop | null;
  readonly fleet: FleetPolicy["killSwitch"] | null;
}

export const NO_STOPS: Stops = { mission: null, fleet: null };

/** Only what asks for a stop is worth anything in a broken file. */
export function stopsOf(value: unknown, wanted: Kind | undefined): Stops {
  const kind = wanted ?? valueAt(value, ["kind"]);
  if (kind === "Mission") return { mission: missionStop(value), fleet: null };
  if (kind === "Fleet") return { mission: null, fleet: fleetStop(value) };
  return NO_STOPS;
}

function missionStop(value: unknown): MissionStop | null {
  const state = valueAt(value, ["spec", "state"]);
  const killSwitch = valueAt(value, ["spec", "kill_switch", "engaged"]) === true;
  const asked = state === "paused" || state === "cancelled" ? state : "active";
  return killSwitch || asked !== "active" ? { state: asked, killSwitch } : null;
}

/** Each entry that can be understood counts by itself: one that cannot does not take the others with it. */
function fleetStop(value: unknown): FleetPolicy["killSwitch"] | null {
  const engaged = valueAt(value, ["spec", "kill_switch", "engaged"]) === true;
  const labels = valueAt(value, ["spec", "kill_switch", "labels"]);
  const missions = valueAt(value, ["spec", "kill_switch", "missions"]);
  const pairs = typeof labels === "object" && labels !== null ? Object.entries(labels) : [];
  const stop = {
    engaged,
    labels: Object.fromEntries(pairs.filter((pair): pair is [string, string] => typeof pair[1] === "string")),
    missions: Array.isArray(missions)
      ? missions.filter((name): name is string => typeof name === "string")
      : [],
  };
  const says = engaged || Object.keys(stop.labels).length > 0 || stop.missions.length > 0;
  return says ? stop : null;
}
