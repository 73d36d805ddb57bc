/** A mission that goes to the in-core lane instead of a clone (runbook 7). */

import { controllerPart } from "../../model/actor.ts";
import type { CloneState, MissionState } from "../../model/clone-state.ts";
import type { Effect } from "../../model/effect.ts";
import type { CloneEvent } from "../../model/event.ts";
import { type Instant, iso, MINUTE_MS } from "../../model/time.ts";
import { closeWithoutVerdict } from "../closing/close.ts";
import { ask, type Step, stay, withHold, withMission, withTerminal } from "../step.ts";

type Of<T extends CloneEvent["type"]> = Extract<CloneEvent, { type: T }>;

/** A lane that refuses is asked again after this: somebody may have put it right. */
const REFUSED_RETRY_MS = 10 * MINUTE_MS;
export const IN_CORE_OWNER = "in_core";

/** From here on no clone may start it: the other lane may have taken it, whether or not we hear of it. */
export function onHandoverPlanned(state: CloneState, event: Of<"handover.planned">, at: Instant): Step {
  const { mission } = state;
  if (mission?.missionId !== event.missionId || mission.terminal !== null)
    return stay(state, "there is no such mission");
  if (state.phase !== "Idle" || mission.dispatchedAt !== null || mission.handover !== null)
    return stay(state, "it has been given out already");
  const handover = { url: event.url, authRef: event.authRef, askedAt: at };
  return ask(withMission(state, { handover }), handOver(mission, handover));
}

/** Safe to repeat: the other lane knows the mission by its id. */
export function handOver(
  { missionId }: MissionState,
  { url, authRef }: NonNullable<MissionState["handover"]>,
): Effect {
  return { type: "hand_over", missionId, url, authRef };
}

/** The other lane has it; here it is over, and its run is not dispatched again. */
export function onHandedOver(state: CloneState, event: Of<"handover.finished">, at: Instant): Step {
  const { mission } = state;
  if (mission?.missionId !== event.missionId || mission.handover === null || mission.terminal !== null)
    return stay(state, "there is no such handover");
  const over = withTerminal(state, {
    status: "cancelled",
    at,
    by: controllerPart("in-core"),
    reason: `handed to the in-core lane: ${event.evidence}`,
  });
  return closeWithoutVerdict(over, at);
}

/** Refused for good, as far as the answer says: certainly not taken, so it waits here and is offered again. */
export function onHandoverFailed(state: CloneState, event: Of<"handover.failed">, at: Instant): Step {
  const { mission } = state;
  if (mission?.missionId !== event.missionId || mission.handover === null)
    return stay(state, "there is no such handover");
  const until = at + REFUSED_RETRY_MS;
  return stay(
    withHold(withMission(state, { handover: null }), {
      kind: "rollout",
      owner: IN_CORE_OWNER,
      since: at,
      reason: "HandoverRefused",
      message: `the in-core lane refused it: ${event.message}; offered again at ${iso(until)}`,
      clearBy: "supervisor",
      until,
    }),
  );
}
