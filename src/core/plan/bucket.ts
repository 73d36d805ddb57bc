import { raisesBeyond } from "../clone/spending/raise.ts";
import type { Gate } from "../fleet/rollouts/rollout.ts";
import type { DesiredClone } from "../model/clone.ts";
import { type CloneState, isRunClosed } from "../model/clone-state.ts";
import type { DesiredState, FleetPolicy } from "../model/desired.ts";
import type { ObservedInstance } from "../model/instance.ts";
import { coveringEntry, entryText, type SwitchEntry } from "../model/kill-switch.ts";
import type { DesiredMission, MissionLimits } from "../model/mission.ts";
import { sameValue } from "../model/same.ts";
import { differingFields } from "./diff.ts";
import { inCoreReason, isInCoreOnly } from "./in-core.ts";
import type { ObservedState } from "./observed.ts";
import type { Held, PlannedAction } from "./plan.ts";
import { type RecordedRuns, recordedRuns } from "./runs.ts";

export interface Buckets {
  readonly actions: PlannedAction[];
  readonly held: Held[];
  /** Removals, which have to pass the guard. */
  readonly deletions: PlannedAction[];
}

/** Sorts every name that is desired or on record into what has to be done about it. Starts are planned apart. */
export function sortIntoBuckets(desired: DesiredState | null, observed: ObservedState): Buckets {
  const buckets: Buckets = { actions: [], held: [], deletions: [] };
  sortInstances(observed, buckets);
  if (desired === null) return buckets;
  for (const clone of desired.clones.values())
    sortClone(
      clone,
      { state: observed.states.get(clone.name), gate: observed.gates.get(clone.name) },
      buckets,
    );
  const lanes = new Set<string>();
  const runs = recordedRuns(observed);
  for (const mission of missionsInOrder(desired))
    sortMission(mission, { desired, observed, runs, lanes }, buckets);
  sortStops(desired, observed, buckets);
  sortRemovals(desired, observed, buckets);
  return buckets;
}

/** What lives against what is on record. */
function sortInstances(observed: ObservedState, { actions, held }: Buckets): void {
  const alive = new Map<string, ObservedInstance[]>();
  for (const seen of observed.instances) {
    if (seen.state === "dead") continue;
    const list = alive.get(seen.handle.clone);
    if (list === undefined) alive.set(seen.handle.clone, [seen]);
    else list.push(seen);
  }
  for (const [clone, instances] of alive) {
    const state = observed.states.get(clone);
    for (const { handle, state: seenAs } of instances) {
      const record = state?.instance ?? null;
      if (state === undefined || handle.epoch > state.epoch) {
        held.push({
          subject: `clone/${clone}`,
          action: "adopt",
          reason: "Unrecorded",
          message: `epoch ${handle.epoch} lives but is not on record; it is left alone and nothing is started beside it`,
        });
      } else if (record?.epoch === handle.epoch && record.nonce === handle.nonce) {
        if (record.handle === null && seenAs === "live" && record.stopping === null) {
          actions.push(
            action("adopt", clone, state, "found alive without a handle on record", {
              type: "instance.adopted",
              epoch: handle.epoch,
              handle,
            }),
          );
        }
      } else {
        actions.push(
          action("stop", clone, state, "ours, but not the instance of record", {
            type: "stray.found",
            handle,
            evidence: `epoch ${handle.epoch} lives although epoch ${state.epoch} is the highest on record`,
          }),
        );
      }
    }
  }
  if (!observed.complete) {
    if (observed.problem !== null) {
      held.push({ subject: "fleet", action: "bury", reason: "ListingIncomplete", message: observed.problem });
    }
    return;
  }
  for (const state of observed.states.values()) {
    const { instance } = state;
    if (instance === null || instance.handle === null || instance.stopping !== null) continue;
    const lives = alive
      .get(state.name)
      ?.some(({ handle }) => handle.epoch === instance.epoch && handle.nonce === instance.nonce);
    if (lives !== true) {
      const evidence = `a complete listing does not show epoch ${instance.epoch} alive`;
      actions.push(
        action("bury", state.name, state, evidence, {
          type: "instance.gone",
          epoch: instance.epoch,
          evidence,
        }),
      );
    }
  }
}

function sortClone(
  clone: DesiredClone,
  { state, gate }: { state: CloneState | undefined; gate: Gate | undefined },
  { actions, held }: Buckets,
): void {
  if (gate !== undefined) {
    held.push({
      subject: `clone/${clone.name}`,
      action: "declare",
      reason: gate.type === "hold" ? gate.reason : "PinnedByRollback",
      message: gate.message,
    });
    const kept = gate.type === "revert" ? gate.spec : (state?.spec ?? null);
    if (kept === null) return;
    // Tighter safety waits for nobody.
    const safer = tightened(kept, clone);
    if (state?.spec?.digest === kept.digest && safer === kept) return;
    actions.push(declared(safer, state, gate.message));
    return;
  }

  if (state?.spec?.digest === clone.digest && !state.withdrawn) {
    if (state.drift !== null && state.instance !== null && state.instance.stopping === null) {
      held.push({
        subject: `clone/${clone.name}`,
        action: "replace",
        reason: clone.update === "turn_boundary" ? "WaitingForTurnBoundary" : "PinnedByMission",
        message: `its ${state.drift.fields.map(({ field }) => field).join(", ")} changed; ${clone.update === "turn_boundary" ? "taken up between two turns" : "the living instance keeps the old one until it ends"}`,
      });
    }
    return;
  }
  actions.push(declared(clone, state, `commit ${clone.revision.slice(0, 12)}`));
}

/** The same clone with every approval that the wanted one asks for as well. */
function tightened(kept: DesiredClone, wanted: DesiredClone): DesiredClone {
  const missing = wanted.approvalRequired.filter((action) => !kept.approvalRequired.includes(action));
  if (missing.length === 0) return kept;
  return { ...kept, approvalRequired: [...kept.approvalRequired, ...missing].sort() };
}

function declared(clone: DesiredClone, state: CloneState | undefined, trigger: string): PlannedAction {
  const replaces = state !== undefined && (state.phase === "Starting" || state.phase === "Dispatching");
  return {
    type: replaces ? "replace" : "declare",
    clone: clone.name,
    mission: state?.mission?.name ?? null,
    why: {
      trigger,
      fields: state?.spec == null ? [] : differingFields(state.spec, clone),
      from: state?.spec?.digest ?? null,
      to: clone.digest,
    },
    event: { type: "clone.declared", spec: clone },
  };
}

/** By name, except that a mission which already has its lane comes first. */
function missionsInOrder(desired: DesiredState): DesiredMission[] {
  return [...desired.missions.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

interface Lanes {
  readonly desired: DesiredState;
  readonly observed: ObservedState;
  readonly runs: RecordedRuns;
  /** Lanes that are taken, also by this plan. */
  readonly lanes: Set<string>;
}

/**
 * A run has one lane in its life: whatever clone its file names later, it lives
 * on where it was assigned, and is not run again elsewhere once it is closed.
 */
function sortMission(
  mission: DesiredMission,
  { desired, observed, runs, lanes }: Lanes,
  buckets: Buckets,
): void {
  const { clone } = mission.contract;
  const state = observed.states.get(clone);
  if (state !== undefined && isRunClosed(state, { ...mission, run: mission.contract.run })) return;
  const home = state?.mission?.missionId === mission.missionId ? state : runs.livingAs(mission.name);
  if (home?.mission?.missionId === mission.missionId) {
    lanes.add(home.name);
    sortLimits(mission, { state: home, caps: desired.fleet.caps }, buckets);
    return;
  }
  if (runs.isClosed(mission.missionId)) return;
  if (home !== undefined) sortEarlierRun(mission, home, buckets);
  const obstacle = obstacleToDispatch(mission, desired, {
    state,
    home,
    laneGiven: lanes.has(clone),
    inCoreOnly: isInCoreOnly(desired, observed) ? inCoreReason(observed) : null,
    killSwitch: observed.killSwitch ?? [],
  });
  if (obstacle !== null) {
    buckets.held.push({ subject: `mission/${mission.name}`, action: "assign", ...obstacle });
    return;
  }
  lanes.add(clone);
  buckets.actions.push({
    type: "assign",
    clone,
    mission: mission.name,
    why: {
      trigger: `commit ${mission.revision.slice(0, 12)}`,
      fields: [],
      from: null,
      to: mission.contractHash,
    },
    event: { type: "mission.assigned", mission },
  });
}

/** The file speaks of the next run already, but its pause and its stop reach the one that lives: stop passes every gate. */
function sortEarlierRun(mission: DesiredMission, home: CloneState, { actions }: Buckets): void {
  const current = home.mission;
  if (current === null || current.terminal !== null) return;
  const { state, kill_switch } = mission.limits;
  const limits: MissionLimits = { ...current.limits, state, kill_switch };
  if (!sameValue(limits, current.limits)) actions.push(limitAction(mission, home, current.limits, limits));
}

/** Why a declared mission gets no lane, or not yet. */
function obstacleToDispatch(
  mission: DesiredMission,
  desired: DesiredState,
  {
    state,
    home,
    laneGiven,
    inCoreOnly,
    killSwitch,
  }: {
    state: CloneState | undefined;
    home: CloneState | undefined;
    laneGiven: boolean;
    inCoreOnly: string | null;
    killSwitch: readonly SwitchEntry[];
  },
): { reason: string; message: string } | null {
  const { clone } = mission.contract;
  const because = (reason: string, message: string) => ({ reason, message });
  const engaged = coveringEntry(killSwitch, { clone, mission: mission.name, labels: mission.labels });
  if (engaged !== null) return because("KillSwitchEngaged", `${entryText(engaged)}; it is not dispatched`);
  if (mission.limits.kill_switch.engaged) {
    return because("KillSwitchEngaged", "its kill switch is engaged, so it is not dispatched");
  }
  if (mission.limits.state === "cancelled") {
    return because("Cancelled", "its file says `state: cancelled`, so it is not dispatched");
  }
  if (home !== undefined) {
    return because(
      "EarlierRunLives",
      `run ${home.mission?.contract.run} of it lives on ${home.name}; runs follow each other`,
    );
  }
  // With an in-core lane it gets its place all the same, and goes there from it.
  if (inCoreOnly !== null && desired.fleet.simone.inCore === null) {
    return because(
      "InCoreOnly",
      `${inCoreOnly}; parked: run it by hand, or name the in-core lane in fleet.yaml at \`spec.simone.in_core\``,
    );
  }
  const spec = desired.clones.get(clone);
  if (spec === undefined) {
    return desired.broken.has(`clone/${clone}`)
      ? because("CloneBroken", `its clone ${clone} cannot be used: see the issues of its files`)
      : because("CloneMissing", `its clone ${clone} is not declared`);
  }
  if (spec.state === "retired") return because("CloneRetired", `its clone ${clone} is declared retired`);
  if (state === undefined || state.spec === null) {
    return because("CloneNotDeclaredYet", `its clone ${clone} is taken up first`);
  }
  if (state.phase === "Retired") {
    return because(
      "CloneRetired",
      `its clone ${clone} was retired after its last mission; declare a new clone or change this one`,
    );
  }
  if (state.mission !== null || laneGiven) {
    return because(
      "LaneTaken",
      `its clone ${clone} is busy with ${state.mission?.name ?? "another mission"}`,
    );
  }
  return null;
}

function sortLimits(
  mission: DesiredMission,
  { state, caps }: { readonly state: CloneState; readonly caps: FleetPolicy["caps"] },
  { actions, held }: Buckets,
): void {
  const current = state.mission;
  if (current === null || current.terminal !== null) return;
  for (const event of raisesBeyond(current, { caps, revision: mission.revision }))
    actions.push({ ...action("limit", state.name, state, event.reason, event), mission: mission.name });
  if (current.contractHash !== mission.contractHash) {
    held.push({
      subject: `mission/${mission.name}`,
      action: "assign",
      reason: "ContractFixed",
      message: "its contract changed after dispatch; raise `spec.run` to dispatch the changed contract",
    });
  }
  if (sameValue(current.limits, mission.limits)) return;
  actions.push(limitAction(mission, state, current.limits, mission.limits));
}

function limitAction(
  mission: DesiredMission,
  state: CloneState,
  from: MissionLimits,
  limits: MissionLimits,
): PlannedAction {
  const ends = limits.kill_switch.engaged || limits.state === "cancelled";
  return {
    type: ends ? "stop" : "limit",
    clone: state.name,
    mission: mission.name,
    why: {
      trigger: `commit ${mission.revision.slice(0, 12)}`,
      fields: differingFields(from, limits),
      from: null,
      to: null,
    },
    event: { type: "mission.limits_changed", limits, revision: mission.revision },
  };
}

/** A file that cannot be used may still say stop, and stop is obeyed. */
function sortStops(desired: DesiredState, observed: ObservedState, { actions }: Buckets): void {
  if (desired.stops.size === 0) return;
  for (const state of observed.states.values()) {
    const mission = state.mission;
    const stop = mission === null ? undefined : desired.stops.get(mission.name);
    if (mission === null || stop === undefined || mission.terminal !== null) continue;
    const limits: MissionLimits = {
      ...mission.limits,
      state: stop.state,
      kill_switch: { engaged: stop.killSwitch || mission.limits.kill_switch.engaged },
    };
    if (sameValue(limits, mission.limits)) continue;
    actions.push(
      action("stop", state.name, state, "its file is broken but asks for a stop", {
        type: "mission.limits_changed",
        limits,
        revision: desired.revision,
      }),
    );
  }
}

function sortRemovals(desired: DesiredState, observed: ObservedState, { deletions, held }: Buckets): void {
  for (const state of observed.states.values()) {
    const { mission } = state;
    const name = state.name;
    if (!desired.clones.has(name) && !state.withdrawn && state.spec !== null) {
      if (desired.broken.has(`clone/${name}`)) {
        held.push({
          subject: `clone/${name}`,
          action: "prune",
          reason: "SpecInvalid",
          message: "its file is broken; its last good generation is kept",
        });
      } else if (state.phase !== "Retired") {
        deletions.push(
          action("prune", name, state, "its file was removed", {
            type: "clone.withdrawn",
            revision: desired.revision,
            reason: `clones/${name}.yaml was removed`,
          }),
        );
      }
    }
    if (mission === null || mission.terminal !== null || state.withdrawn) continue;
    if (desired.missions.has(mission.name)) continue;
    if (desired.broken.has(`mission/${mission.name}`)) {
      held.push({
        subject: `mission/${mission.name}`,
        action: "withdraw",
        reason: "SpecInvalid",
        message: "its file is broken; its last good contract is kept",
      });
    } else {
      deletions.push(
        action("withdraw", name, state, "its file was removed", {
          type: "mission.withdrawn",
          revision: desired.revision,
          reason: `missions/${mission.name}.yaml was removed`,
        }),
      );
    }
  }
}

function action(
  type: PlannedAction["type"],
  clone: string,
  state: CloneState,
  trigger: string,
  event: PlannedAction["event"],
): PlannedAction {
  return {
    type,
    clone,
    mission: state.mission?.name ?? null,
    why: { trigger, fields: [], from: null, to: null },
    event,
  };
}
