/** The one way in which a mission gets its end before its agent says so: decisions, kills, budgets and windows come here. */
import type { Actor } from "../../model/actor.ts";
import type { CloneState } from "../../model/clone-state.ts";
import type { Instant } from "../../model/time.ts";
import type { TraceCause } from "../../model/trace.ts";
import { closeUnjudged, closeWithoutVerdict } from "../closing/close.ts";
import { beginStop, enter, type Step, stay, withTerminal } from "../step.ts";

interface End {
  readonly status: "cancelled" | "timed_out" | "failed";
  readonly by: Actor;
  readonly reason: string;
  readonly enter: "cancel" | "term" | "now";
  /** Keep a trace bundle. */
  readonly trace?: TraceCause;
  /** Judging is not waited for. */
  readonly aborts?: boolean;
}

/** Gives the mission its end and takes the instance down, if there is one. */
export function endMission(state: CloneState, at: Instant, how: End): Step {
  const ended = withTerminal(state, { status: how.status, at, reason: how.reason, by: how.by });
  if (ended.instance !== null) {
    return beginStop(ended, at, {
      reason: { type: "mission_over" },
      enter: how.enter,
      text: how.reason,
      ...(how.trace === undefined ? {} : { trace: how.trace }),
    });
  }
  if (ended.mission === null) return stay(ended.withdrawn ? enter(ended, "Retired", at) : ended);
  if (ended.phase === "Postmortem") return stay(ended, "the mission is over and waits for its postmortem");
  if (ended.phase === "Judging") {
    return how.aborts === true
      ? closeUnjudged(ended, how.reason, at)
      : stay(ended, "the mission is being judged already");
  }
  return closeWithoutVerdict(ended, at);
}
