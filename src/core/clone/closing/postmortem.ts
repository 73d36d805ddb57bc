/** What went badly wrong is learnt from before the mission is closed (runbook 6.3). */

import type { CloneState, ClosureEnding, MissionState } from "../../model/clone-state.ts";
import type { CloneEvent } from "../../model/event.ts";
import { POSTMORTEM_SECTIONS, postmortemPath } from "../../model/postmortem.ts";
import type { Instant } from "../../model/time.ts";
import { withRequest } from "../questions/requests.ts";
import { enter, type Step, stay, withMission } from "../step.ts";

/** A critical incident asks for one; no decision takes its place. */
export function needsPostmortem(mission: MissionState): boolean {
  return mission.postmortem === null && mission.incidents.some(({ severity }) => severity === "critical");
}

/** The mission keeps its lane, with everything that its closure will say, until the postmortem is merged. */
export function awaitPostmortem(state: CloneState, ending: ClosureEnding, at: Instant): Step {
  const { mission } = state;
  if (mission === null) return stay(state);
  const path = postmortemPath(mission.missionId);
  const critical = mission.incidents.filter(({ severity }) => severity === "critical");
  const waiting = enter(withMission(state, { ending }), "Postmortem", at);
  return stay(
    withRequest(
      waiting,
      {
        kind: "postmortem",
        severity: "critical",
        summary: `closure waits until ${path} is merged with author, reviewer and the sections ${POSTMORTEM_SECTIONS.join(", ")}`,
        evidence: [
          ...critical.map(({ id, message }) => `${id}: ${message}`),
          ...mission.traces.map(
            ({ epoch, path: folder, digest }) => `trace of epoch ${epoch}: ${folder} ${digest}`,
          ),
          `skeleton: missions/${mission.name}/postmortem.md on the status branch`,
        ],
        answers: [],
        hold: null,
      },
      at,
    ),
  );
}

export function mergedPostmortem(
  state: CloneState,
  event: Extract<CloneEvent, { type: "postmortem.merged" }>,
): { readonly state: CloneState; readonly ending: ClosureEnding } | null {
  const { mission } = state;
  if (state.phase !== "Postmortem" || mission?.missionId !== event.missionId || mission.ending === null)
    return null;
  const { revision, file, digest, author, reviewedBy } = event.postmortem;
  const postmortem = { revision, file, digest, author, reviewedBy };
  return { state: withMission(state, { postmortem, ending: null }), ending: mission.ending };
}
