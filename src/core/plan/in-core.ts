/** Rollback to Simone alone (runbook 7): what happens to lanes while the fleet is `in_core_only`. */

import { SUPERVISOR } from "../model/actor.ts";
import type { CloneState } from "../model/clone-state.ts";
import type { DesiredState } from "../model/desired.ts";
import type { ApprovalGate } from "./approval-gate.ts";
import type { ObservedState } from "./observed.ts";
import { type Held, type Obstacle, type PlanStepDraft, stepOn } from "./step.ts";

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

export interface ModeSteps {
  readonly pause: readonly PlanStepDraft[];
  readonly resume: readonly PlanStepDraft[];
}

/** Running missions are drained or paused as `guardrails.on_breach` declares; in normal mode they go on. */
export function planMode(
  desired: DesiredState | null,
  observed: ObservedState,
  states: ReadonlyMap<string, CloneState>,
): ModeSteps {
  const pause: PlanStepDraft[] = [];
  const resume: PlanStepDraft[] = [];
  // Without the file nobody knows whether the mode is normal.
  if (desired === null) return { pause, resume };
  const inCore = isInCoreOnly(desired, observed);
  if (inCore && desired.fleet.guardrails.onBreach !== "pause") return { pause, resume };
  for (const state of states.values()) {
    if (isPausedByMode(state) === inCore) continue;
    if (!inCore) resume.push(resuming(state));
    else if (isAtWork(state)) pause.push(pausing(state, observed));
  }
  return { pause, resume };
}

/**
 * Missions that never reached a clone go to the in-core lane where one is
 * configured; others are parked, and say what a person can do. One that was dispatched before is
 * never handed on: what it has done already would be done again.
 */
export function planInCore(
  desired: DesiredState | null,
  observed: ObservedState,
  {
    states,
    approvals,
  }: { readonly states: ReadonlyMap<string, CloneState>; readonly approvals: ApprovalGate },
): { readonly handOver: readonly PlanStepDraft[]; readonly held: readonly Held[] } {
  const handOver: PlanStepDraft[] = [];
  const held: Held[] = [];
  if (!isInCoreOnly(desired, observed)) return { handOver, held };
  const lane = desired?.fleet.simone.inCore ?? null;
  for (const state of states.values()) {
    const { mission } = state;
    if (mission === null || mission.terminal !== null || mission.handover !== null) continue;
    if (!isResting(state)) continue;
    const wait = (step: "handOver" | "start", obstacle: Obstacle): number =>
      held.push({ subject: `mission/${mission.name}`, step, ...obstacle });
    if (mission.dispatchedAt === null && lane !== null && state.holds.length === 0) {
      const obstacle = observed.doubt ?? approvals.obstacle(mission);
      if (obstacle === null) handOver.push(handingOver(state, lane, observed));
      else wait("handOver", obstacle);
    } else wait("start", parked(state, lane !== null, observed));
  }
  return { handOver, held };
}

function isAtWork(state: CloneState): boolean {
  return state.mission !== null && state.mission.terminal === null && !isResting(state);
}

function isResting(state: CloneState): boolean {
  return state.phase === "Idle" && state.instance === null;
}

function parked(state: CloneState, hasLane: boolean, observed: ObservedState): Obstacle {
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

function isPausedByMode(state: CloneState): boolean {
  return state.holds.some(({ kind, owner }) => kind === "rollout" && owner === GUARDRAILS_OWNER);
}

function handingOver(
  state: CloneState,
  lane: { readonly url: string; readonly authRef: string | null },
  observed: ObservedState,
): PlanStepDraft {
  return stepOn(state, {
    type: "handOver",
    why: { trigger: inCoreReason(observed), from: "factory", to: "in_core" },
    event: {
      type: "handover.planned",
      missionId: state.mission?.missionId ?? "",
      url: lane.url,
      authRef: lane.authRef,
    },
  });
}

function pausing(state: CloneState, observed: ObservedState): PlanStepDraft {
  const message = inCoreReason(observed);
  return stepOn(state, {
    type: "pause",
    why: { trigger: message },
    event: {
      type: "hold.placed",
      by: SUPERVISOR,
      hold: {
        kind: "rollout",
        owner: GUARDRAILS_OWNER,
        since: observed.pin?.at ?? state.phaseSince,
        reason: "InCoreOnly",
        message,
        clearBy: "repository",
      },
    },
  });
}

const NORMAL_AGAIN = "the fleet's mode is normal again";

function resuming(state: CloneState): PlanStepDraft {
  return stepOn(state, {
    type: "resume",
    why: { trigger: NORMAL_AGAIN },
    event: {
      type: "hold.released",
      kind: "rollout",
      owner: GUARDRAILS_OWNER,
      by: SUPERVISOR,
      reason: NORMAL_AGAIN,
    },
  });
}
