import { type CloneState, RECENT_MAX } from "../model/clone-state.ts";
import type { Effect } from "../model/effect.ts";
import { assertNever } from "../model/error.ts";
import type { CloneEvent } from "../model/event.ts";
import type { Instant } from "../model/time.ts";
import {
  onArchived,
  onClosureDecided,
  onJudgeFailed,
  onJudgeFinished,
  onPostmortemMerged,
} from "./closing/close.ts";
import { onReviewed } from "./closing/review.ts";
import { onPromoted, onTemplateProposed } from "./closing/template.ts";
import { conditionsOf } from "./conditions.ts";
import * as actions from "./conduct/agent-actions.ts";
import { onBlockerStanding } from "./conduct/blocked.ts";
import { onMessageDelivered, onMessageSent } from "./conduct/messages.ts";
import { onReport } from "./conduct/reports.ts";
import { onProgressOverdue } from "./conduct/stuck.ts";
import { onDeadline } from "./deadline.ts";
import * as want from "./declarations.ts";
import { describe } from "./describe.ts";
import * as callback from "./health/callback.ts";
import { onTried } from "./health/recovery-ladder.ts";
import * as watch from "./health/sightings.ts";
import { TEXT_MAX } from "./limits.ts";
import { onReminded, onRequestDecided } from "./questions/decide-request.ts";
import { onAcknowledged } from "./questions/requests.ts";
import { meterPeople } from "./questions/waiting-for-people.ts";
import { onBudget, onUsed } from "./spending/budget.ts";
import { onDayBegan } from "./spending/day-caps.ts";
import { onRunaway, onSettled } from "./spending/overspend.ts";
import { onRaiseEnded } from "./spending/raise.ts";
import { onTurnReached } from "./start/drift.ts";
import * as handover from "./start/handover.ts";
import * as launch from "./start/launch.ts";
import { onRestored } from "./start/restore.ts";
import { type Step, stay } from "./step.ts";
import { onPausing } from "./stop/pause.ts";
import * as stop from "./stop/stop.ts";
import { onTraceSaved } from "./stop/trace.ts";

export interface Decision {
  readonly state: CloneState;
  /** In the order in which they are to be carried out. */
  readonly effects: readonly Effect[];
  /** Why the event changed nothing, where it did not; it is recorded all the same. */
  readonly ignored?: string;
}

/**
 * What one event means for one clone: its next state and what is to be done
 * outside. Pure: the same record and the same clock give the same decisions,
 * so a state can be rebuilt from its events, and every decision explained.
 *
 * The policy comes with the clone's resolved spec and jitter is computed from
 * its name and epoch: it looks nothing up. An event that comes too late, twice,
 * or for an epoch that is over leaves the state as it is and says so.
 *
 * After the event itself `advance` takes the steps that have become possible.
 */
export function decide(state: CloneState, event: CloneEvent, at: Instant): Decision {
  const first = apply(state, event, at);
  const then = launch.advance(first.state, at);
  const metered = meterPeople(then.state, at);
  const counted = {
    ...metered,
    version: state.version + 1,
    recent: [...state.recent, { at, type: event.type, text: describe(event).slice(0, TEXT_MAX) }].slice(
      -RECENT_MAX,
    ),
  };
  return {
    state: { ...counted, conditions: conditionsOf(counted, at) },
    effects: [...first.effects, ...then.effects],
    ...(first.ignored === undefined ? {} : { ignored: first.ignored }),
  };
}

function apply(state: CloneState, event: CloneEvent, at: Instant): Step {
  switch (event.type) {
    case "clone.declared":
      return want.onDeclared(state, event, at);
    case "clone.withdrawn":
      return want.onWithdrawn(state, event, at);
    case "mission.assigned":
      return want.onAssigned(state, event, at);
    case "mission.limits_changed":
      return want.onLimitsChanged(state, event, at);
    case "mission.withdrawn":
      return want.onMissionWithdrawn(state, event, at);
    case "hold.placed":
      return want.onHoldPlaced(state, event);
    case "hold.released":
      return want.onHoldReleased(state, event, at);
    case "kill.requested":
      return want.onKill(state, event, at);
    case "clone.restored":
      return onRestored(state, event, at);
    case "message.sent":
      return onMessageSent(state, event, at);
    case "review.recorded":
      return onReviewed(state, event, at);
    case "template.proposed":
      return onTemplateProposed(state, event, at);
    case "promote.finished":
      return onPromoted(state, event);
    case "request.acknowledged":
      return onAcknowledged(state, event, at);
    case "request.decided":
      return onRequestDecided(state, event, at);
    case "request.reminded":
      return onReminded(state, event, at);
    case "closure.decided":
      return onClosureDecided(state, event, at);
    case "start.planned":
      return launch.onStartPlanned(state, at);
    case "handover.planned":
      return handover.onHandoverPlanned(state, event, at);
    case "handover.finished":
      return handover.onHandedOver(state, event, at);
    case "handover.failed":
      return handover.onHandoverFailed(state, event, at);
    case "prepare.finished":
      return launch.onPrepareFinished(state, event, at);
    case "instance.launched":
      return launch.onLaunched(state, event, at);
    case "instance.launch_failed":
      return launch.onLaunchFailed(state, event, at);
    case "dispatch.finished":
      return launch.onDispatched(state, event);
    case "dispatch.failed":
      return launch.onDispatchFailed(state, event, at);
    case "instance.configured":
      return watch.onConfigured(state, event, at);
    case "instance.pausing":
      return onPausing(state, event);
    case "instance.paused":
      return watch.onPaused(state, event, at);
    case "instance.resumed":
      return watch.onResumed(state, event, at);
    case "message.delivered":
      return onMessageDelivered(state, event);
    case "stop.finished":
      return stop.onStopFinished(state, event, at);
    case "stop.failed":
      return stop.onStopFailed(state, event, at);
    case "judge.finished":
      return onJudgeFinished(state, event, at);
    case "judge.failed":
      return onJudgeFailed(state, event, at);
    case "trace.saved":
      return onTraceSaved(state, event);
    case "trace.failed":
      return stay(state);
    case "postmortem.merged":
      return onPostmortemMerged(state, event, at);
    case "archive.finished":
      return onArchived(state, event);
    case "instance.reported":
      return onReport(state, event, at);
    case "instance.adopted":
      return watch.onAdopted(state, event, at);
    case "instance.gone":
      return watch.onGone(state, event, at);
    case "stray.found":
      return watch.onStray(state, event, at);
    case "health.changed":
      return watch.onHealth(state, event, at);
    case "recovery.tried":
      return onTried(state, event, at);
    case "callback.gap":
      return callback.onGap(state, event, at);
    case "callback.restored":
      return callback.onPulled(state, event, at);
    case "callback.pull_due":
      return callback.onPullDue(state, event, at);
    case "callback.up":
      return callback.onCallbackUp(state, event, at);
    case "callback.refused":
      return callback.onReportsRefused(state, event, at);
    case "deadline.passed":
      return onDeadline(state, event, at);
    case "budget.crossed":
      return onBudget(state, event, at);
    case "blocker.standing":
      return onBlockerStanding(state, event, at);
    case "progress.overdue":
      return onProgressOverdue(state, event, at);
    case "turn.reached":
      return onTurnReached(state, event, at);
    case "instance.used":
      return onUsed(state, event);
    case "instance.settled":
      return onSettled(state, event);
    case "runaway.detected":
      return onRunaway(state, event, at);
    case "raise.ended":
      return onRaiseEnded(state, event);
    case "day.began":
      return onDayBegan(state, event);
    case "window.ended":
      return watch.onWindowEnded(state, event, at);
    case "action.claimed":
      return actions.onActionClaimed(state, event);
    case "action.remembered":
      return actions.onActionRemembered(state, event);
    case "action.completed":
      return actions.onActionCompleted(state, event);
    case "action.duplicate":
      return actions.onActionDuplicate(state, event, at);
    case "action.conflict":
      return actions.onActionConflict(state, event, at);
    case "action.unknown":
      return actions.onActionUnknown(state, event, at);
    case "action.refused":
      return actions.onActionRefused(state);
    case "approval.requested":
      return actions.onApprovalRequested(state, event, at);
    default:
      return assertNever(event);
  }
}

/** Rebuilds a state from its events: `fold(initialState(name, at), events)`. */
export function fold(
  initial: CloneState,
  events: readonly { readonly event: CloneEvent; readonly at: Instant }[],
): CloneState {
  return events.reduce((state, { event, at }) => decide(state, event, at).state, initial);
}
