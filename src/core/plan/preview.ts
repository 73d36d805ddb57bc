/** A tree of the repository, taken for a fleet in which everything that it asks for has come true. */
import { decide } from "../clone/decide.ts";
import { windowAt } from "../clone/start/window.ts";
import { declaredInForce } from "../fleet/kill-switch/switch-events.ts";
import { createCalendar } from "../model/calendar.ts";
import { FRESH_CALLBACK } from "../model/callback.ts";
import { type CloneState, type InstanceState, initialState } from "../model/clone-state.ts";
import type { DesiredState } from "../model/desired.ts";
import type { InstanceHandle, ObservedInstance } from "../model/instance.ts";
import { coveringEntry, type SwitchEntry } from "../model/kill-switch.ts";
import type { Instant } from "../model/time.ts";
import type { ObservedState } from "./observed.ts";

export interface Lived {
  /** Ids of missions that are over, so that the head does not start them again. */
  readonly closed: ReadonlySet<string>;
  /** Names of clones with a living instance; null: every clone whose mission may run. */
  readonly running: ReadonlySet<string> | null;
  /** Names of clones that were retired after their last mission. */
  readonly retired: ReadonlySet<string>;
}

const ALL_RUN: Lived = { closed: new Set(), running: null, retired: new Set() };

/**
 * What `plan` is to compare a proposal with where no controller says what lives: the tree that it starts from.
 *
 * `base: null` is a fleet that has nothing yet. Otherwise every mission of the base is
 * taken to be assigned to its clone and to run there, unless `lived` knows better: that is the
 * worst case for a reviewer, because everything that could be disturbed is there. Rollouts are taken to have ended:
 * the base is what every group is stable with.
 *
 * Depends on the arguments alone. `now` decides which autonomy windows are open.
 */
export function observedOfTree(
  base: DesiredState | null,
  options: { readonly now: Instant; readonly lived?: Lived },
): ObservedState {
  const states = statesOf(base, options.lived ?? ALL_RUN, options.now);
  const instances: ObservedInstance[] = [];
  for (const { instance } of states.values()) {
    if (instance?.handle != null) instances.push({ handle: instance.handle, state: "live" });
  }
  return {
    complete: true,
    problem: null,
    instances,
    states,
    pendingDeletion: null,
    pin: null,
    rollouts: new Map(),
    doubt: null,
  };
}

/** What `fleet.yaml` itself engages. */
export function declaredSwitch({ revision, fleet }: DesiredState): readonly SwitchEntry[] {
  return declaredInForce(
    { engaged: [], released: [], declared: [] },
    { revision, killSwitch: fleet.killSwitch, usable: true },
  );
}

/** The record of a fleet in which everything that the base asks for has come true. */
function statesOf(base: DesiredState | null, lived: Lived, now: Instant): ReadonlyMap<string, CloneState> {
  const states = new Map<string, CloneState>();
  if (base === null) return states;
  const calendar = createCalendar();
  const engaged = declaredSwitch(base);
  for (const spec of base.clones.values()) {
    const { state } = decide(initialState(spec.name, now), { type: "clone.declared", spec }, now);
    states.set(spec.name, lived.retired.has(spec.name) ? { ...state, phase: "Retired" } : state);
  }
  for (const mission of [...base.missions.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const { limits, contract, missionId, name, labels } = mission;
    const state = states.get(contract.clone);
    if (state === undefined || state.mission !== null || state.spec?.state === "retired") continue;
    if (lived.closed.has(missionId) || limits.state === "cancelled" || limits.kill_switch.engaged) continue;
    if (coveringEntry(engaged, { clone: contract.clone, mission: name, labels }) !== null) continue;
    const assigned = decide(state, { type: "mission.assigned", mission }, now, calendar).state;
    const open = limits.autonomy_window === null || windowAt(limits.autonomy_window, now, calendar).open;
    const runs = lived.running === null ? open : lived.running.has(contract.clone);
    const held = assigned.holds.length > 0;
    states.set(contract.clone, runs && !held ? asRunning(assigned, now) : assigned);
  }
  return withClosed(states, base, lived);
}

/** Remembers closed runs, because a closed run is never dispatched again. */
function withClosed(
  states: ReadonlyMap<string, CloneState>,
  base: DesiredState,
  lived: Lived,
): ReadonlyMap<string, CloneState> {
  if (lived.closed.size === 0) return states;
  const next = new Map(states);
  for (const mission of base.missions.values()) {
    const state = next.get(mission.contract.clone);
    if (state === undefined || !lived.closed.has(mission.missionId)) continue;
    // Of a closed run the plan asks only for its id.
    const past = { missionId: mission.missionId, name: mission.name } as CloneState["past"][number];
    next.set(state.name, { ...state, past: [...state.past, past] });
  }
  return next;
}

function asRunning(state: CloneState, now: Instant): CloneState {
  const epoch = state.epoch + 1;
  const handle: InstanceHandle = {
    driver: state.spec?.runtime.driver ?? "process",
    clone: state.name,
    epoch,
    nonce: "preview",
    containment: state.spec?.runtime.isolation ?? "group",
    data: {},
  };
  const instance: InstanceState = {
    epoch,
    nonce: handle.nonce,
    handle,
    plannedAt: now,
    readyAt: now,
    dispatchedAt: now,
    acceptedAt: now,
    health: "healthy",
    healthSince: now,
    healthEvidence: "assumed",
    lastSeq: 0,
    gapAt: null,
    callback: FRESH_CALLBACK,
    heartbeatIntervalMs: 30_000,
    cadenceSince: now,
    pauseAsked: false,
    paused: false,
    resumedAt: null,
    answeredAt: null,
    activeMs: null,
    activeBaseMs: 0,
    grace: null,
    pauseAskedAt: null,
    pausedAt: null,
    settled: null,
    limitsTold: null,
    llmCalls: null,
    costMicros: null,
    stopping: null,
    stopAttempts: 0,
    trace: null,
  };
  return {
    ...state,
    phase: "Running",
    phaseSince: now,
    deadlineAt: null,
    epoch,
    instance,
    appliedDigest: state.spec?.digest ?? null,
  };
}
