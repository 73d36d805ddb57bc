import {
  type ClonePhase,
  type CloneState,
  INCIDENTS_MAX,
  type InstanceState,
  type MissionState,
  type StopReason,
  type Terminal,
} from "../model/clone-state.ts";
import type { StartGate } from "../model/condition.ts";
import type { Effect } from "../model/effect.ts";
import type { Hold } from "../model/hold.ts";
import { INCIDENT_SEVERITY, type IncidentClass, type NewIncident } from "../model/incident.ts";
import type { Instant } from "../model/time.ts";
import type { TraceCause } from "../model/trace.ts";
import { stopMeter } from "./spending/active-time.ts";

/** A state on its way through one event, with the effects that were asked for so far. */
export interface Step {
  readonly state: CloneState;
  readonly effects: readonly Effect[];
  /** Why the event changed nothing, where it did not. */
  readonly ignored?: string;
}

export function stay(state: CloneState, ignored?: string): Step {
  return { state, effects: [], ...(ignored === undefined ? {} : { ignored }) };
}

export function ask(state: CloneState, ...effects: readonly Effect[]): Step {
  return { state, effects };
}

export function enter(
  state: CloneState,
  phase: ClonePhase,
  at: Instant,
  deadlineAt: Instant | null = null,
): CloneState {
  return { ...state, phase, phaseSince: state.phase === phase ? state.phaseSince : at, deadlineAt };
}

export function withMission(state: CloneState, change: Partial<MissionState>): CloneState {
  return state.mission === null ? state : { ...state, mission: { ...state.mission, ...change } };
}

export function withInstance(state: CloneState, change: Partial<InstanceState>): CloneState {
  return state.instance === null ? state : { ...state, instance: { ...state.instance, ...change } };
}

export function withGates(state: CloneState, gates: readonly StartGate[]): CloneState {
  const types = new Set(gates.map((gate) => gate.type));
  return { ...state, gates: [...state.gates.filter((gate) => !types.has(gate.type)), ...gates] };
}

/** Of one kind and owner there is one hold; placing it again keeps when it began. */
export function withHold(state: CloneState, hold: Hold): CloneState {
  const before = state.holds.find((other) => other.kind === hold.kind && other.owner === hold.owner);
  const rest = state.holds.filter((other) => other !== before);
  return { ...state, holds: [...rest, before === undefined ? hold : { ...hold, since: before.since }] };
}

export function withoutHolds(state: CloneState, leaves: (hold: Hold) => boolean): CloneState {
  const holds = state.holds.filter((hold) => !leaves(hold));
  return holds.length === state.holds.length ? state : { ...state, holds };
}

/** Put on the mission's list; where there is no mission nobody would read it. */
export function withIncident(state: CloneState, incident: NewIncident): CloneState {
  const { mission } = state;
  if (mission === null) return state;
  const n = mission.incidentsSeen + 1;
  const added = {
    id: `${incident.class}.${n}`,
    class: incident.class,
    severity: INCIDENT_SEVERITY[incident.class],
    at: incident.at,
    startedAt: Math.min(incident.startedAt ?? incident.at, incident.at),
    endedAt: incident.over === true ? incident.at : null,
    message: incident.message,
    ...(incident.evidence === undefined ? {} : { evidence: incident.evidence }),
  };
  return withMission(state, {
    incidents: [...mission.incidents, added].slice(-INCIDENTS_MAX),
    incidentsSeen: n,
  });
}

/** The open incidents of these classes are over. */
export function endIncidents(state: CloneState, classes: readonly IncidentClass[], at: Instant): CloneState {
  const { mission } = state;
  const open = mission?.incidents.some(({ endedAt, class: of }) => endedAt === null && classes.includes(of));
  if (mission === null || open !== true) return state;
  return withMission(state, {
    incidents: mission.incidents.map((incident) =>
      incident.endedAt === null && classes.includes(incident.class) ? { ...incident, endedAt: at } : incident,
    ),
  });
}

/** The first end that is recorded stands; whatever comes later does not change it. Nobody is asked for more budget for what is over. */
export function withTerminal(state: CloneState, terminal: Terminal): CloneState {
  if (state.mission === null || state.mission.terminal !== null) return state;
  const metered = stopMeter(withoutBudget(state), terminal.at);
  return withMission(metered, { terminal, summary: terminal.reason, summaryAt: terminal.at });
}

/**
 * Fences the instance and asks for its end. A repeat keeps the first reason,
 * except that a mission which is over is not started again for a failure.
 */
export function beginStop(
  state: CloneState,
  at: Instant,
  stop: { reason: StopReason; enter: "cancel" | "term" | "now"; text: string; trace?: TraceCause },
): Step {
  const { instance } = state;
  if (instance === null) return stay(state, "there is no instance to stop");
  const reason =
    instance.stopping === null || stop.reason.type !== "failed" ? stop.reason : instance.stopping;
  const trace = instance.trace ?? stop.trace ?? null;
  const next = enter(withInstance(state, { stopping: reason, trace }), "Stopping", at);
  return ask(next, {
    type: "stop",
    epoch: instance.epoch,
    enter: stop.enter,
    reason: stop.text,
    ...(trace === null ? {} : { trace }),
  });
}

/** The budget's hold goes with its question. A day's cap asks nobody and stays. */
export function withoutBudget(state: CloneState): CloneState {
  const requests = state.requests.filter(({ kind }) => kind !== "budget");
  const free = withoutHolds(state, ({ kind, owner }) => kind === "budget" && owner === "supervisor");
  return requests.length === state.requests.length ? free : { ...free, requests };
}
