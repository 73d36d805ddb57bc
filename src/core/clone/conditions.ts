import { actorText } from "../model/actor.ts";
import type { Calendar } from "../model/calendar.ts";
import type { CloneState } from "../model/clone-state.ts";
import type { Condition, ConditionType, StartGate } from "../model/condition.ts";
import { CONDITION_TYPES } from "../model/condition.ts";
import { BUDGET_FIELDS } from "../model/request.ts";
import { type Instant, iso } from "../model/time.ts";
import { raiseOf } from "./spending/raise.ts";
import { windowAt } from "./start/window.ts";

type Fact = Pick<Condition, "status" | "reason" | "message">;

interface When {
  readonly at: Instant;
  readonly calendar: Calendar | undefined;
}

/**
 * What a state means, as conditions in the order of the runbook. The one place
 * where status is made. `since` is carried over while the status stays the same,
 * so nothing here changes by the mere passing of time.
 */
export function conditionsOf(state: CloneState, at: Instant, calendar?: Calendar): readonly Condition[] {
  const observedGeneration = state.generation;
  const observedCommit = state.mission?.revision ?? state.spec?.revision ?? null;
  return CONDITION_TYPES.map((type, index) => {
    const fact = factOf(state, type, { at, calendar });
    const old = conditionIn(state, type, index);
    if (old?.status !== fact.status) return { type, ...fact, since: at, observedGeneration, observedCommit };
    // One that says the same stays the same object: what is derived from it need not be derived again.
    const same =
      old.reason === fact.reason &&
      old.message === fact.message &&
      old.observedGeneration === observedGeneration &&
      old.observedCommit === observedCommit;
    return same ? old : { type, ...fact, since: old.since, observedGeneration, observedCommit };
  });
}

/** They stand in the order of their types, unless an older program wrote them. */
function conditionIn({ conditions }: CloneState, type: ConditionType, index: number): Condition | undefined {
  const there = conditions[index];
  return there?.type === type ? there : conditions.find((condition) => condition.type === type);
}

function factOf(state: CloneState, type: ConditionType, when: When): Fact {
  switch (type) {
    case "Ready":
      return ready(state);
    case "Identified":
      return state.spec === null
        ? no("NotDeclared", "no valid declaration has been seen")
        : yes("NamePatternMatches", `${state.name}, generation ${state.generation}`);
    case "WithinWindow":
      return withinWindow(state, when);
    case "WithinBudget":
      return withinBudget(state);
    case "Accepted":
      return accepted(state);
    case "HeartbeatFresh":
      return heartbeat(state);
    case "CallbackDegraded":
      return callbackDegraded(state);
    case "InSync":
      return inSync(state);
    case "Stalled":
      return stalled(state);
    case "Progressing":
      return [
        "Preparing",
        "Starting",
        "Dispatching",
        "Running",
        "Stopping",
        "BackingOff",
        "Judging",
        "Postmortem",
      ].includes(state.phase)
        ? yes(state.phase, state.mission?.summary ?? state.phase)
        : no(state.phase, state.lastFailure ?? "nothing is under way");
    default:
      return fromGate(state.gates.find((gate) => gate.type === type));
  }
}

function inSync(state: CloneState): Fact {
  const { drift, instance, spec } = state;
  if (instance === null) return unknown("NoInstance", "there is no instance");
  if (drift === null) return yes("UpToDate", "the instance has all of its declaration");
  const what = `${drift.class}: ${drift.fields.map(({ field }) => field).join(", ")} changed at ${drift.revision.slice(0, 12)}`;
  return spec?.update === "turn_boundary"
    ? no("WaitingForTurnBoundary", `${what}; taken up between two turns`)
    : no("PinnedByMission", `${what}; a running mission keeps what it began with, until it ends`);
}

function ready(state: CloneState): Fact {
  const hold = state.holds[0];
  if (state.phase === "Running" && hold === undefined)
    return yes("Running", state.mission?.summary ?? "running");
  if (hold !== undefined) return no(hold.reason, hold.message);
  if (state.mission === null)
    return no("AwaitingMission", state.phase === "Retired" ? "retired" : "no mission is assigned");
  return no(state.phase, state.lastFailure ?? `it is ${state.phase}`);
}

function withinWindow(state: CloneState, { at, calendar }: When): Fact {
  const window = state.mission?.limits.autonomy_window ?? null;
  if (state.mission === null) return unknown("AwaitingMission", "no mission is assigned");
  if (window === null) return yes("NoWindowDeclared", "the mission may run at any time");
  const seen = windowAt(window, at, calendar);
  if (seen.open)
    return yes(
      "Open",
      seen.changesAt === null ? "open, without an end" : `open until ${iso(seen.changesAt)}`,
    );
  return seen.changesAt === null
    ? no("Ended", "the window is over")
    : no("Closed", `opens at ${iso(seen.changesAt)}`);
}

function withinBudget(state: CloneState): Fact {
  if (state.mission === null) return unknown("AwaitingMission", "no mission is assigned");
  const hold = state.holds.find((other) => other.kind === "budget");
  if (hold !== undefined) return no(hold.reason, hold.message);
  const { mission } = state;
  // In one order, whatever was passed first: a record that was rebuilt says the same.
  const crossed = Object.entries(mission.crossed)
    .map(([meter, level]) => `${meter}: ${level}`)
    .sort();
  const raised = BUDGET_FIELDS.flatMap((field) => {
    const raise = raiseOf(mission, field);
    return raise === null
      ? []
      : [`${field} is ${raise.to}, raised from ${raise.from} by ${actorText(raise.by)}`];
  });
  return yes(
    "BelowThreshold",
    [crossed.length === 0 ? "below every threshold" : `passed ${crossed.join(", ")}`, ...raised].join("; "),
  );
}

function accepted(state: CloneState): Fact {
  const { mission } = state;
  if (mission === null) return unknown("AwaitingMission", "no mission is assigned");
  if (mission.acceptedAt === null) return unknown("NotAcceptedYet", `it is ${state.phase}`);
  return yes("MissionAccepted", `accepted at ${iso(mission.acceptedAt)}`);
}

function heartbeat(state: CloneState): Fact {
  const { instance } = state;
  if (instance === null) return unknown("NoInstance", "there is no instance");
  if (instance.health === "healthy") return yes("Fresh", "heartbeats arrive in time");
  if (instance.health === "starting") return unknown("Starting", "no heartbeat yet");
  if (instance.health === "recovering")
    return unknown("Recovering", `epoch ${instance.epoch} takes the place of one that was lost`);
  return no(instance.health === "lost" ? "Lost" : "Late", `${instance.health}: ${instance.healthEvidence}`);
}

function callbackDegraded({ instance }: CloneState): Fact {
  if (instance === null) return no("NoGap", "every report arrived in order");
  if (instance.gapAt !== null)
    return yes("GapInReports", `report ${instance.gapAt} is missing; the shim's outbox is being pulled`);
  if (instance.callback.downSince !== null)
    return yes("CallbackDown", "no heartbeat arrives; the shim's outbox is read through the driver");
  if (instance.callback.refusedSeen > 0)
    return yes(
      "ReportsRefused",
      `the controller refused ${instance.callback.refusedSeen} reports; the shim keeps them as dead letters`,
    );
  return no("NoGap", "every report arrived in order");
}

function stalled(state: CloneState): Fact {
  const hold = state.holds.find((other) => other.kind === "quarantine" || other.kind === "freeze");
  return hold === undefined ? no("NotStalled", "trying again can help") : yes(hold.reason, hold.message);
}

function fromGate(gate: StartGate | undefined): Fact {
  if (gate === undefined) return unknown("NotCheckedYet", "not looked at yet");
  return gate.ok ? yes(gate.reason, gate.evidence) : no(gate.reason, gate.evidence);
}

function yes(reason: string, message: string): Fact {
  return { status: "True", reason, message };
}
function no(reason: string, message: string): Fact {
  return { status: "False", reason, message };
}
function unknown(reason: string, message: string): Fact {
  return { status: "Unknown", reason, message };
}
