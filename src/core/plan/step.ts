import type { ClonePhase, CloneState } from "../model/clone-state.ts";
import type { CloneEvent } from "../model/event.ts";
import type { PlanStepType } from "./buckets.ts";

/** One step from observed to desired. */
export interface PlanStep {
  readonly type: PlanStepType;
  readonly clone: string;
  /** The mission that the step is about; null when the lane has none. */
  readonly mission: string | null;
  readonly why: Why;
  /** What is recorded when the step is taken: every effect leaves by that door. */
  readonly event: CloneEvent;
  /** The version of the clone's state that the step was planned for: its earlier steps are counted. */
  readonly version: number;
  /** The phase of the clone once the step is on record. */
  readonly leadsTo: ClonePhase;
}

/** A step before its place in the sequence is known. */
export type PlanStepDraft = Omit<PlanStep, "version" | "leadsTo">;

/** Machine-readable reason: what triggered it, which fields differ, from what to what. */
export interface Why {
  readonly trigger: string;
  readonly fields: readonly string[];
  readonly from: string | null;
  readonly to: string | null;
}

/** What cannot move yet, and why; so that a standstill can be explained. */
export interface Held {
  /** `fleet`, `clone/<name>` or `mission/<name>`. */
  readonly subject: string;
  readonly step: PlanStepType;
  readonly reason: string;
  readonly message: string;
  /**
   * The step itself where only time, capacity or another step of the fleet is waited for: then the plan says when
   * it is taken, not whether. Absent where people have to decide or to change something.
   */
  readonly waiting?: PlanStepDraft;
}

/** Why one step is not taken now. */
export interface Obstacle {
  readonly reason: string;
  readonly message: string;
}

/** A step about the lane of this state, whatever mission it has. */
export function stepOn(
  state: CloneState,
  step: {
    readonly type: PlanStepType;
    readonly why: Partial<Why> & Pick<Why, "trigger">;
    readonly event: CloneEvent;
  },
): PlanStepDraft {
  const { trigger, fields = [], from = null, to = null } = step.why;
  return {
    type: step.type,
    clone: state.name,
    mission: state.mission?.name ?? null,
    why: { trigger, fields, from, to },
    event: step.event,
  };
}
