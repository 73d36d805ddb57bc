import { SUPERVISOR } from "../../model/actor.ts";
import type { CloneState } from "../../model/clone-state.ts";
import type { Instant } from "../../model/time.ts";
import { type Step, withIncident } from "../step.ts";
import { endMission } from "../stop/end-mission.ts";

/**
 * An instance that goes on where it was stopped: it spends while it is held, or
 * beyond its hard limit. Its mission fails, a trace bundle is taken, the ladder is entered at
 * SIGTERM with a short grace, and the closure waits for a postmortem. A repeat changes nothing
 * while the first one is on its way.
 */
export function runAway(
  state: CloneState,
  at: Instant,
  what: { readonly message: string; readonly startedAt?: Instant; readonly evidence?: string },
): Step {
  const known = state.mission?.incidents.some(
    (incident) => incident.class === "runaway" && incident.endedAt === null,
  );
  const told = known === true ? state : withIncident(state, { class: "runaway", at, ...what });
  return endMission(told, at, {
    status: "failed",
    by: SUPERVISOR,
    reason: `runaway: ${what.message}`,
    enter: "term",
    trace: "runaway",
  });
}
