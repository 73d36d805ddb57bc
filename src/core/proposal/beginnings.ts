/** Which missions a plan begins, at once or later. Capacity, turns, windows and rollouts decide when, and not whether. */
import { windowAt } from "../clone/start/window.ts";
import type { CloneState } from "../model/clone-state.ts";
import type { DesiredState } from "../model/desired.ts";
import type { DesiredMission } from "../model/mission.ts";
import type { Instant } from "../model/time.ts";
import type { ObservedState } from "../plan/observed.ts";
import type { Plan } from "../plan/plan.ts";
import type { Held, Obstacle, PlanStepDraft } from "../plan/step.ts";

export interface Beginning {
  readonly mission: DesiredMission;
  readonly clone: string;
  readonly lane: "clone" | "in_core";
  /** Null: nothing is in its way. */
  readonly obstacle: Obstacle | null;
  /** `parked`: its own file says `state: paused`. `never`: its window is over, so that time alone will not begin it. */
  readonly how: "begins" | "parked" | "never";
  /** It has been at work before. */
  readonly resumes: boolean;
}

/** By mission id. `taken`: which of the plan's `held` stand among them. */
export interface Beginnings {
  readonly byId: ReadonlyMap<string, Beginning>;
  readonly taken: ReadonlySet<Held>;
}

interface Scene {
  readonly plan: Plan;
  readonly desired: DesiredState;
  readonly observed: ObservedState;
  readonly now: Instant;
}

/**
 * Every mission whose beginning is a step of the plan, or waits as one. Two plans of the same world are compared by it: what
 * is in the one for the head and not in the one for the base begins because of the proposal.
 */
export function beginningsOf(scene: Scene): Beginnings {
  const { plan } = scene;
  const byId = new Map<string, Beginning>();
  const taken = new Set<Held>();
  const assigned = new Map(
    plan.assign.flatMap((step) => missionOf(step).map((mission) => [step.clone, mission])),
  );
  const add = (step: PlanStepDraft, obstacle: Obstacle | null, held?: Held): void => {
    const state = scene.observed.states.get(step.clone);
    const own = missionOf(step)[0] ?? assigned.get(step.clone) ?? missionOn(state, scene.desired);
    if (own === null) return;
    if (held !== undefined) taken.add(held);
    const lane = step.type === "handOver" ? "in_core" : "clone";
    const resumes = state?.mission?.missionId === own.missionId && state.mission.firstLaunchAt !== null;
    byId.set(own.missionId, {
      mission: own,
      clone: step.clone,
      lane,
      obstacle,
      how: howOf(own, scene.now),
      resumes,
    });
  };
  // Assigned and paused by its file: then nothing further is planned for it.
  for (const step of plan.assign) if (missionOf(step)[0]?.limits.state === "paused") add(step, null);
  for (const held of plan.held) {
    const { waiting, reason, message } = held;
    if (waiting?.type !== "start" && waiting?.type !== "assign") continue;
    add(waiting, { reason, message }, held);
  }
  for (const step of plan.handOver) add(step, null);
  for (const step of plan.start) add(step, null);
  return { byId, taken };
}

function missionOf({ event }: PlanStepDraft): readonly DesiredMission[] {
  return event.type === "mission.assigned" ? [event.mission] : [];
}

/** The run that the clone has, which need not be the one that its file asks for by now. */
function missionOn(state: CloneState | undefined, desired: DesiredState): DesiredMission | null {
  const mission = state?.mission ?? null;
  if (mission === null) return null;
  const declared = desired.missions.get(mission.name);
  if (declared?.missionId === mission.missionId) return declared;
  const { missionId, name, revision, contract, contractHash, limits, labels } = mission;
  return { missionId, name, revision, contract, contractHash, limits, labels };
}

function howOf({ limits }: DesiredMission, now: Instant): Beginning["how"] {
  if (limits.state === "paused") return "parked";
  if (limits.autonomy_window === null) return "begins";
  const { open, changesAt } = windowAt(limits.autonomy_window, now);
  return open || changesAt !== null ? "begins" : "never";
}
