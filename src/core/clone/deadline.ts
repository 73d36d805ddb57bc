/** What happens when time runs out. */

import type { CloneState } from "../model/clone-state.ts";
import { assertNever } from "../model/error.ts";
import type { CloneEvent } from "../model/event.ts";
import type { Instant } from "../model/time.ts";
import { onRecoveryDue } from "./health/recovery-ladder.ts";
import { hasExpired } from "./limits.ts";
import { ask, beginStop, enter, type Step, stay, withoutHolds } from "./step.ts";
import { onPauseDue } from "./stop/pause.ts";

export function onDeadline(
  state: CloneState,
  event: Extract<CloneEvent, { type: "deadline.passed" }>,
  at: Instant,
): Step {
  switch (event.deadline) {
    case "start":
      return failedStart(state, event, at, "Starting");
    case "accept":
      return failedStart(state, event, at, "Dispatching");
    case "backoff":
      return afterBackoff(state, at);
    case "hold":
      return stay(withoutHolds(state, (hold) => hasExpired(hold, at)));
    case "stop":
      return stopAgain(state, at);
    case "judge":
      if (state.phase !== "Judging" || state.mission === null) return stay(state, `it is ${state.phase}`);
      return ask(enter(state, "Judging", at), { type: "judge", missionId: state.mission.missionId });
    case "pause":
      return onPauseDue(state, event, at);
    case "recovery":
      return onRecoveryDue(state, event, at);
    default:
      return assertNever(event.deadline);
  }
}

function failedStart(
  state: CloneState,
  event: { epoch: number; deadline: string; evidence: string },
  at: Instant,
  phase: string,
): Step {
  if (state.phase !== phase || state.instance?.epoch !== event.epoch)
    return stay(state, `it is ${state.phase}`);
  if (state.deadlineAt === null) return stay(state, "the deadline was met while it was being noticed");
  return beginStop(state, at, {
    reason: { type: "failed", signature: `deadline:${event.deadline}`, message: event.evidence },
    enter: "now",
    text: event.evidence,
  });
}

/** Gates are asked again before every start: a workspace or a secret may have changed. */
function afterBackoff(state: CloneState, at: Instant): Step {
  if (state.phase !== "BackingOff") return stay(state, `it is ${state.phase}`);
  const ready = state.holds.length === 0 && state.mission !== null && state.spec !== null && !state.withdrawn;
  return ready ? ask(enter(state, "Preparing", at), { type: "prepare" }) : stay(enter(state, "Idle", at));
}

function stopAgain(state: CloneState, at: Instant): Step {
  if (state.phase !== "Stopping" || state.instance === null) return stay(state, `it is ${state.phase}`);
  return ask(enter(state, "Stopping", at), {
    type: "stop",
    epoch: state.instance.epoch,
    enter: "now",
    reason: "the last stop gave no proof",
  });
}
