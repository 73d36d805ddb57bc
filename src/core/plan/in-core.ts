/** Rollback to Simone alone (runbook 7): what happens to lanes while the fleet is `in_core_only`. */

import type { CloneState } from "../model/clone-state.ts";
import type { DesiredState } from "../model/desired.ts";
import type { ObservedState } from "./observed.ts";
import type { Held, PlannedAction } from "./plan.ts";

/** Owner of the holds that a rollback places. */
export const GUARDRAILS_OWNER = "guardrails";

/** Whether nothing may start: because `fleet.yaml` says so, or because a guardrail tripped, also while the repository cannot be read. */
export function isInCoreOnly(desired: DesiredState | null, observed: ObservedState): boolean {
  return observed.pin !== null || desired?.fleet.mode === "in_core_only";
}

/** Why nothing new starts, for people. */
export function inCoreReason(observed: ObservedState): string {
  return observed.pin === null
    ? "fleet.yaml says mode in_core_only: nothing new is dispatched to clones"
    : `${observed.pin.id} holds the fleet in_core_only: ${observed.pin.breaches.map(({ message }) => message).join("; ")}`;
}

/**
 * Running missions are drained or paused as `guardrails.on_breach` declares.
 * Missions that never reached a clone go to the in-core lane where one is
 * configured; others are parked, and say what a person can do. One that was dispatched before is
 * never handed on: what it has done already would be done again.
 */
export function planInCore(
  desired: DesiredState | null,
  observed: ObservedState,
): { readonly actions: readonly PlannedAction[]; readonly held: readonly Held[] } {
  const actions: PlannedAction[] = [];
  const held: Held[] = [];
  const inCore = isInCoreOnly(desired, observed);
  for (const state of observed.states.values()) {
    if (!inCore) {
      if (desired !== null && isHeld(state)) actions.push(letGo(state));
      continue;
    }
    const { mission } = state;
    if (mission === null || mission.terminal !== null) continue;
    const onBreach = desired?.fleet.guardrails.onBreach ?? "drain";
    if (state.phase === "Idle" && state.instance === null) {
      const lane = desired?.fleet.simone.inCore ?? null;
      if (mission.handover !== null) continue;
      if (mission.dispatchedAt === null && lane !== null && state.holds.length === 0)
        actions.push(handOver(state, lane, observed));
      else
        held.push({
          subject: `mission/${mission.name}`,
          action: "start",
          ...parked(state, lane !== null, observed),
        });
    } else if (onBreach === "pause" && !isHeld(state)) {
      actions.push(pause(state, observed));
    }
  }
  return { actions, held };
}

function parked(
  state: CloneState,
  hasLane: boolean,
  observed: ObservedState,
): { reason: string; message: string } {
  const why = inCoreReason(observed);
  const name = state.mission?.name ?? state.name;
  if (state.mission?.dispatchedAt !== null)
    return {
      reason: "InCoreOnly",
      message: `${why}; ${name} was dispatched before and waits for the way back, or for \`factory kill ${name}\``,
    };
  return {
    reason: "InCoreOnly",
    message: hasLane
      ? `${why}; ${name} is held and goes to the in-core lane when it is free`
      : `${why}; parked: run ${name} by hand, or name the in-core lane in fleet.yaml at \`spec.simone.in_core\``,
  };
}

function isHeld(state: CloneState): boolean {
  return state.holds.some(({ kind, owner }) => kind === "rollout" && owner === GUARDRAILS_OWNER);
}

function handOver(
  state: CloneState,
  lane: { readonly url: string; readonly authRef: string | null },
  observed: ObservedState,
): PlannedAction {
  return {
    type: "hand_over",
    clone: state.name,
    mission: state.mission?.name ?? null,
    why: { trigger: inCoreReason(observed), fields: [], from: "factory", to: "in_core" },
    event: {
      type: "handover.planned",
      missionId: state.mission?.missionId ?? "",
      url: lane.url,
      authRef: lane.authRef,
    },
  };
}

function pause(state: CloneState, observed: ObservedState): PlannedAction {
  const message = inCoreReason(observed);
  return {
    type: "hold",
    clone: state.name,
    mission: state.mission?.name ?? null,
    why: { trigger: message, fields: [], from: null, to: null },
    event: {
      type: "hold.placed",
      by: "supervisor",
      hold: {
        kind: "rollout",
        owner: GUARDRAILS_OWNER,
        since: observed.pin?.at ?? state.phaseSince,
        reason: "InCoreOnly",
        message,
        clearBy: "repository",
      },
    },
  };
}

function letGo(state: CloneState): PlannedAction {
  return {
    type: "hold",
    clone: state.name,
    mission: state.mission?.name ?? null,
    why: { trigger: "the fleet's mode is normal again", fields: [], from: null, to: null },
    event: {
      type: "hold.released",
      kind: "rollout",
      owner: GUARDRAILS_OWNER,
      by: "supervisor",
      reason: "the fleet's mode is normal again",
    },
  };
}
