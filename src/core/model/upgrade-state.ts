import { NO_ACTIONS } from "./action.ts";
import { FRESH_CALLBACK } from "./callback.ts";
import {
  type CloneState,
  type ClosedMission,
  type InstanceState,
  initialState,
  type MissionState,
} from "./clone-state.ts";
import { NO_CONDUCT } from "./conduct.ts";
import type { Incident } from "./incident.ts";
import { INCIDENT_SEVERITY } from "./incident.ts";
import type { Heartbeat } from "./instance.ts";
import { DEFAULT_BLOCKED_POLICY, type MissionLimits } from "./mission.ts";
import type { Request } from "./request.ts";
import {
  upgradeApprovalActors,
  upgradeClosureActors,
  upgradeMissionActors,
  upgradeRequestActors,
} from "./upgrade-actors.ts";

/**
 * A state as an older version of this program stored it, in today's shape:
 * fields that it did not know get the value that a state has before anything
 * happened to them. A state of today comes out as it went in.
 */
export function upgradeState(stored: StoredState): CloneState {
  const fresh = initialState(stored.name, stored.phaseSince);
  return {
    ...fresh,
    ...stored,
    requests: (stored.requests ?? []).map((request) =>
      upgradeRequestActors({ ...REQUEST_DEFAULTS, ...request }, stored.name),
    ),
    instance: stored.instance == null ? null : { ...INSTANCE_DEFAULTS, ...stored.instance },
    mission: stored.mission == null ? null : upgradeMission(stored.mission, stored.name),
    // What closed missions spent was not added up; what the living one did counts against its limits.
    spent: stored.spent ?? {
      llmCalls: stored.mission?.llmCalls ?? 0,
      costMicros: stored.mission?.costMicros ?? 0,
    },
    past: stored.past.map((closed) => upgradeClosed(closed, stored.name)),
  };
}

/** A heartbeat that was stored when it only said whether its cost is derived. */
export function upgradeHeartbeat(stored: Heartbeat & { usage: { derived?: true } }): Heartbeat {
  const { derived, ...usage } = stored.usage;
  return derived === true ? { ...stored, usage: { trust: "derived", ...usage } } : stored;
}

/** What has always been there; the rest may be missing. */
export type StoredState = Partial<CloneState> & Pick<CloneState, "name" | "phaseSince" | "past">;

function upgradeMission(mission: MissionState, clone: string): MissionState {
  const incidents = mission.incidents.map(upgradeIncident);
  const whole: MissionState = {
    ...MISSION_DEFAULTS,
    ...mission,
    limits: { ...LIMITS_DEFAULTS, ...mission.limits },
    incidents,
    incidentsSeen: mission.incidentsSeen ?? incidents.length,
  };
  return upgradeApprovalActors(upgradeMissionActors(whole, clone));
}

function upgradeClosed(closed: ClosedMission, clone: string): ClosedMission {
  const whole = { ...CLOSED_DEFAULTS, ...closed, incidents: closed.incidents.map(upgradeIncident) };
  return upgradeClosureActors(upgradeMissionActors(whole, clone));
}

/** Until version 0.1 an incident had a class, a time and a message. */
function upgradeIncident(incident: Incident, index: number): Incident {
  return {
    ...incident,
    id: incident.id ?? `${incident.class}.${index + 1}`,
    severity: incident.severity ?? INCIDENT_SEVERITY[incident.class],
    startedAt: incident.startedAt ?? incident.at,
    endedAt: incident.endedAt === undefined ? incident.at : incident.endedAt,
  };
}

/** Fields of an instance that came later. */
const INSTANCE_DEFAULTS = {
  trace: null,
  resumedAt: null,
  answeredAt: null,
  callback: FRESH_CALLBACK,
  activeMs: null,
  activeBaseMs: 0,
  grace: null,
  pauseAskedAt: null,
  pausedAt: null,
  settled: null,
  limitsTold: null,
} satisfies Partial<InstanceState>;
/** Limits that came later. */
const LIMITS_DEFAULTS = {
  mission_progress_interval_seconds: null,
  blocked: DEFAULT_BLOCKED_POLICY,
} satisfies Partial<MissionLimits>;
/** Fields of a mission that came later. */
const MISSION_DEFAULTS = {
  answered: [],
  actions: NO_ACTIONS,
  approvals: [],
  released: {},
  handover: null,
  raises: {},
  spentBefore: { llmCalls: 0, costMicros: 0 },
  conduct: NO_CONDUCT,
  traces: [],
  ending: null,
  postmortem: null,
  usageSource: null,
} satisfies Partial<MissionState>;
/** Fields of a closed mission that came later. */
const CLOSED_DEFAULTS = {
  answered: [],
  actions: NO_ACTIONS,
  conduct: NO_CONDUCT,
  traces: [],
  postmortem: null,
  promotedAt: null,
  doneWith: { digest: "", baseline: "", overlays: [] },
} satisfies Partial<ClosedMission>;
/** Fields of a question that came later. */
const REQUEST_DEFAULTS = { approvers: [], barred: [] } satisfies Partial<Request>;
