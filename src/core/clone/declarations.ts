/** What people want: declarations, assignments, holds, kills. */

import { NO_ACTIONS } from "../model/action.ts";
import { actorText, isControllerPart, isHuman, repositoryAt } from "../model/actor.ts";
import { type CloneState, isRunClosed, type MissionState, type Spent } from "../model/clone-state.ts";
import { NO_CONDUCT } from "../model/conduct.ts";
import { sha256Hex } from "../model/digest.ts";
import type { CloneEvent } from "../model/event.ts";
import type { Hold } from "../model/hold.ts";
import type { DesiredMission, MissionLimits } from "../model/mission.ts";
import type { Instant } from "../model/time.ts";
import { releasedByHand } from "./conduct/lane-freeze.ts";
import { goOnFromStuck } from "./conduct/stuck.ts";
import { settleBudget, withoutOldRaises } from "./spending/raise.ts";
import { withDrift } from "./start/drift.ts";
import { admitted } from "./start/throttle.ts";
import {
  ask,
  beginStop,
  enter,
  type Step,
  stay,
  withHold,
  withIncident,
  withMission,
  withoutHolds,
} from "./step.ts";
import { endMission } from "./stop/end-mission.ts";

type Of<T extends CloneEvent["type"]> = Extract<CloneEvent, { type: T }>;

/** Who placed a hold that only a change of the file lifts. */
export const REPOSITORY = "repository";

/**
 * A new digest is a new generation: failures are forgotten and a quarantine
 * ends, because something was changed. An instance that has not been accepted
 * yet is replaced; one that works is left alone, and takes the new spec with its next start.
 */
export function onDeclared(state: CloneState, { spec }: Of<"clone.declared">, at: Instant): Step {
  if (state.spec?.digest === spec.digest && !state.withdrawn) return stay({ ...state, spec });
  const renewed: CloneState = withDrift(
    state,
    {
      ...withoutHolds(state, (hold) => hold.kind === "quarantine" || hold.kind === "gate"),
      spec,
      generation: state.generation + 1,
      withdrawn: false,
      failures: [],
      gateAttempts: 0,
    },
    at,
  );
  const resting = state.phase === "Quarantined" || state.phase === "Retired" || state.phase === "BackingOff";
  const retires = spec.state === "retired" && renewed.mission === null;
  if (resting || state.phase === "Idle") return stay(enter(renewed, retires ? "Retired" : "Idle", at));
  if (state.phase === "Preparing") return stay(enter(renewed, "Idle", at));
  if (state.phase === "Starting" || state.phase === "Dispatching") {
    return beginStop(renewed, at, {
      reason: { type: "replaced", message: "its declaration changed before it was accepted" },
      enter: "term",
      text: "replaced by a new generation",
    });
  }
  return stay(renewed);
}

export function onWithdrawn(state: CloneState, event: Of<"clone.withdrawn">, at: Instant): Step {
  const gone: CloneState = { ...state, withdrawn: true };
  const by = repositoryAt(event.revision);
  return endMission(gone, at, { status: "cancelled", by, reason: event.reason, enter: "cancel" });
}

export function onAssigned(state: CloneState, { mission }: Of<"mission.assigned">, at: Instant): Step {
  if (state.mission !== null) return stay(state, `the lane is taken by ${state.mission.name}`);
  if (isRunClosed(state, { ...mission, run: mission.contract.run }))
    return stay(state, "this run is closed already");
  const fresh = withoutHolds(
    state,
    (hold) => hold.kind === "budget" || hold.kind === "window" || hold.owner === REPOSITORY,
  );
  return stay(
    declaredHold(
      {
        ...fresh,
        mission: newMission(mission, { at, spentBefore: state.spent }),
        gates: [],
        gateAttempts: 0,
      },
      mission.limits,
      at,
    ),
  );
}

/** Tighter applies at once, looser was reviewed with the commit that brought it. */
export function onLimitsChanged(state: CloneState, event: Of<"mission.limits_changed">, at: Instant): Step {
  const { mission } = state;
  if (mission === null) return stay(state, "there is no mission");
  const { limits } = event;
  const before = mission.limits;
  const declared = { ...mission, limits };
  let next = settleBudget(withMission(state, { limits, raises: withoutOldRaises(declared) }), mission);
  if (limits.kill_switch.engaged) {
    return endMission(next, at, {
      status: "cancelled",
      by: repositoryAt(event.revision),
      reason: "the kill switch is engaged in the mission's file",
      enter: "term",
      trace: "kill_switch",
      aborts: true,
    });
  }
  if (limits.state === "cancelled") {
    return endMission(next, at, {
      status: "cancelled",
      by: repositoryAt(event.revision),
      reason: "cancelled in the mission's file",
      enter: "cancel",
    });
  }
  next = declaredHold(next, limits, at);
  const cadenceChanged = before.heartbeat_interval_seconds !== limits.heartbeat_interval_seconds;
  const epoch = next.instance?.handle == null ? null : next.instance.epoch;
  return cadenceChanged && epoch !== null ? ask(next, { type: "configure", epoch }) : stay(next);
}

export function onMissionWithdrawn(state: CloneState, event: Of<"mission.withdrawn">, at: Instant): Step {
  if (state.mission === null) return stay(state, "there is no mission");
  return endMission(state, at, {
    status: "cancelled",
    by: repositoryAt(event.revision),
    reason: event.reason,
    enter: "cancel",
  });
}

export function onHoldPlaced(state: CloneState, { hold, by }: Of<"hold.placed">): Step {
  const next = withHold(state, hold);
  const { mission } = next;
  const byHand = isHuman(by);
  return stay(
    byHand && mission !== null ? withMission(next, { interventions: mission.interventions + 1 }) : next,
  );
}

/** Releasing a quarantine by hand gives the clone a clean record. */
export function onHoldReleased(state: CloneState, event: Of<"hold.released">, at: Instant): Step {
  const leaves = (hold: Hold): boolean =>
    hold.kind === event.kind && (event.owner === "*" || hold.owner === event.owner);
  if (!state.holds.some(leaves)) return stay(state, "there is no such hold");
  let next = releasedByHand(withoutHolds(state, leaves), { event, lifted: state.holds.filter(leaves) }, at);
  if (isHuman(event.by) && next.mission !== null) {
    next = withMission(next, { interventions: next.mission.interventions + 1 });
  }
  if (event.kind === "quarantine" && state.phase === "Quarantined")
    next = enter({ ...next, failures: [] }, "Idle", at);
  if (event.kind === "throttle") next = admitted(next, at);
  if (event.kind === "stuck") return goOnFromStuck(next, { by: event.by, reason: "" }, at);
  return stay(next);
}

/** Passes every hold, window and queue. A repeat makes the ladder steeper. */
export function onKill(state: CloneState, event: Of<"kill.requested">, at: Instant): Step {
  const { mission } = state;
  let next = state;
  if (mission !== null) {
    next = withMission(next, { interventions: mission.interventions + 1 });
    next = withIncident(next, {
      class: "killed",
      at,
      message: `killed by ${actorText(event.by)}: ${event.reason}`,
      over: true,
    });
  }
  return endMission(next, at, {
    status: "cancelled",
    by: event.by,
    reason: `killed: ${event.reason}`,
    enter: rungOf(state, event),
    trace: isControllerPart(event.by, "kill-switch") ? "kill_switch" : "killed",
    aborts: true,
  });
}

/** A frozen agent has had its turn ended already, and is not let go on in order to hear that it should end. */
function rungOf({ instance }: CloneState, event: Of<"kill.requested">): "cancel" | "term" | "now" {
  if (event.now) return "now";
  const again = instance !== null && instance.stopping !== null;
  return isControllerPart(event.by, "kill-switch") || again || instance?.paused === true ? "term" : "cancel";
}

function declaredHold(state: CloneState, limits: MissionLimits, at: Instant): CloneState {
  if (limits.state !== "paused")
    return withoutHolds(state, (hold) => hold.kind === "operator" && hold.owner === REPOSITORY);
  return withHold(state, {
    kind: "operator",
    owner: REPOSITORY,
    since: at,
    reason: "PausedInFile",
    message: "the mission's file says `state: paused`",
    clearBy: "repository",
  });
}

function newMission(
  mission: DesiredMission,
  { at, spentBefore }: { readonly at: Instant; readonly spentBefore: Spent },
): MissionState {
  return {
    missionId: mission.missionId,
    name: mission.name,
    revision: mission.revision,
    contract: mission.contract,
    contractHash: mission.contractHash,
    limits: mission.limits,
    raises: {},
    spentBefore,
    labels: mission.labels,
    traceId: sha256Hex(`trace/${mission.missionId}`).slice(0, 32),
    assignedAt: at,
    firstLaunchAt: null,
    dispatchedAt: null,
    acceptedAt: null,
    firstProgressAt: null,
    summary: "assigned",
    summaryAt: at,
    conduct: NO_CONDUCT,
    blockers: [],
    artifacts: [],
    activeMs: 0,
    activeSince: null,
    llmCalls: 0,
    costMicros: 0,
    trust: "none",
    usageSource: null,
    crossed: {},
    restarts: 0,
    interventions: 0,
    incidents: [],
    incidentsSeen: 0,
    answered: [],
    actions: NO_ACTIONS,
    approvals: [],
    released: {},
    waitedForPeopleMs: 0,
    waitingSince: null,
    handover: null,
    terminal: null,
    proof: null,
    judgeAttempts: 0,
    traces: [],
    ending: null,
    postmortem: null,
  };
}
