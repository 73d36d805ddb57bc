/** What the repository declares of clones, against the declarations on record and the rollouts of their groups. */
import { type RolloutGate, type RolloutStep, stepRollouts } from "../fleet/rollouts/rollout.ts";
import type { DesiredClone } from "../model/clone.ts";
import type { CloneState } from "../model/clone-state.ts";
import type { DesiredState } from "../model/desired.ts";
import type { Instant } from "../model/time.ts";
import { BEGINNINGS } from "./buckets.ts";
import { differingFields } from "./diff.ts";
import type { Forecast } from "./forecast.ts";
import type { Doubt, ObservedState } from "./observed.ts";
import type { Held, PlanStepDraft } from "./step.ts";

/** The declarations of one plan, taken in three turns between its other steps. */
export interface Declarations {
  /** Clones that the record does not have, or no longer. */
  declareNew(): void;
  /** Changed declarations of clones on record, as far as their rollouts let them through. */
  updateKnown(): void;
  /** A clone that got its mission by this plan may be the one that tries what its group waits for: it does so from its first start. */
  updateCanaries(): void;
  held(): readonly Held[];
  rollouts(): RolloutStep | null;
}

export function createDeclarations(parts: {
  readonly desired: DesiredState | null;
  readonly observed: ObservedState;
  readonly forecast: Forecast;
  readonly now: Instant;
}): Declarations {
  const { desired, observed, forecast, now } = parts;
  const clones = [...(desired?.clones.values() ?? [])];
  const held = new Map<string, readonly Held[]>();
  let known: readonly DesiredClone[] = clones;
  let rollouts = step(observed.rollouts);

  function step(before: ObservedState["rollouts"]): RolloutStep | null {
    if (before === null || desired === null) return null;
    return stepRollouts(before, desired, forecast.states, now);
  }

  function take(some: readonly DesiredClone[]): void {
    const steps: PlanStepDraft[] = [];
    for (const clone of some) {
      const made = planDeclaration(clone, {
        state: forecast.states.get(clone.name),
        gate: rollouts?.gates.get(clone.name),
        doubt: observed.doubt,
      });
      if (made.step !== null) steps.push(made.step);
      if (made.held.length > 0) held.set(clone.name, made.held);
      else held.delete(clone.name);
    }
    if (steps.length === 0) return;
    for (const type of ["declare", "update", "replace"] as const)
      forecast.take(steps.filter((step) => step.type === type));
    // Taken up, and what works has still the old one.
    for (const { clone, event } of steps) {
      const state = forecast.states.get(clone);
      const waits = event.type !== "clone.declared" || state === undefined ? null : pinned(event.spec, state);
      if (waits !== null) held.set(clone, [...(held.get(clone) ?? []), waits]);
    }
  }

  return {
    declareNew() {
      const fresh: DesiredClone[] = [];
      const others: DesiredClone[] = [];
      for (const clone of clones) (isNewClone(forecast.states.get(clone.name)) ? fresh : others).push(clone);
      known = others;
      take(fresh);
    },
    updateKnown: () => take(known),
    updateCanaries() {
      const gates = rollouts?.gates;
      if (gates === undefined || gates.size === 0) return;
      const assigned = new Set(
        forecast.steps.flatMap(({ type, clone }) => (type === "assign" ? [clone] : [])),
      );
      const gated = clones.filter(({ name }) => assigned.has(name) && gates.get(name)?.type === "hold");
      if (gated.length === 0) return;
      const before = rollouts;
      const next = step(before?.rollouts ?? null);
      rollouts = next === null ? null : { ...next, events: [...(before?.events ?? []), ...next.events] };
      take(gated);
    },
    held: () => (held.size === 0 ? [] : clones.flatMap(({ name }) => held.get(name) ?? [])),
    rollouts: () => rollouts,
  };
}

/** Whether the record does not have the clone, or no longer: it has nothing that a changed declaration could disturb. */
function isNewClone(state: CloneState | undefined): boolean {
  return state === undefined || state.spec === null || state.withdrawn;
}

/** What becomes of one clone's declaration. */
export interface Declaration {
  readonly step: PlanStepDraft | null;
  readonly held: readonly Held[];
}

export interface Standing {
  readonly state: CloneState | undefined;
  readonly gate: RolloutGate | undefined;
  readonly doubt: Doubt | null;
}

/** A clone whose declaration is on record yields nothing, or says what its living instance still waits for. */
export function planDeclaration(clone: DesiredClone, { state, gate, doubt }: Standing): Declaration {
  const made = gate === undefined ? freeDeclaration(clone, state) : gatedDeclaration(clone, { state, gate });
  const { step } = made;
  if (doubt === null || step === null || !BEGINNINGS.has(step.type)) return made;
  const doubtful: Held = {
    subject: `clone/${clone.name}`,
    step: step.type,
    ...doubt,
    waiting: step,
  };
  return { step: null, held: [...made.held, doubtful] };
}

function freeDeclaration(clone: DesiredClone, state: CloneState | undefined): Declaration {
  if (state?.spec?.digest !== clone.digest || state.withdrawn)
    return { step: declaring(clone, state, `commit ${clone.revision.slice(0, 12)}`), held: [] };
  const waits = pinned(clone, state);
  return { step: null, held: waits === null ? [] : [waits] };
}

/** A rollout holds the declaration back, or takes it back. */
function gatedDeclaration(
  clone: DesiredClone,
  { state, gate }: { readonly state: CloneState | undefined; readonly gate: RolloutGate },
): Declaration {
  const wanted = declaring(clone, state, `commit ${clone.revision.slice(0, 12)}`);
  const held: Held = {
    subject: `clone/${clone.name}`,
    step: wanted.type,
    reason: gate.type === "hold" ? gate.reason : "PinnedByRollback",
    message: gate.message,
    ...(gate.type === "hold" && gate.reason === "RolloutInProgress" ? { waiting: wanted } : {}),
  };
  const kept = gate.type === "revert" ? gate.spec : (state?.spec ?? null);
  if (kept === null) return { step: null, held: [held] };
  // Tighter safety waits for nobody.
  const safer = tightened(kept, clone);
  if (state?.spec?.digest === kept.digest && safer === kept) return { step: null, held: [held] };
  return { step: declaring(safer, state, gate.message), held: [held] };
}

/** The same clone with every approval that the wanted one asks for as well. */
function tightened(kept: DesiredClone, wanted: DesiredClone): DesiredClone {
  const missing = wanted.approvalRequired.filter((action) => !kept.approvalRequired.includes(action));
  if (missing.length === 0) return kept;
  return { ...kept, approvalRequired: [...kept.approvalRequired, ...missing].sort() };
}

/** The declaration is on record, and the instance that lives was started with another. */
function pinned(clone: DesiredClone, state: CloneState): Held | null {
  const { drift, instance } = state;
  if (drift === null || instance === null || instance.stopping !== null) return null;
  const fields = drift.fields.map(({ field }) => field).join(", ");
  const atTurn = clone.update === "turn_boundary";
  return {
    subject: `clone/${clone.name}`,
    step: "replace",
    reason: atTurn ? "WaitingForTurnBoundary" : "PinnedByMission",
    message: `its ${fields} changed; ${atTurn ? "taken up between two turns" : "the living instance keeps the old one until it ends"}`,
  };
}

function declaring(clone: DesiredClone, state: CloneState | undefined, trigger: string): PlanStepDraft {
  return {
    type: declaringType(state),
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

function declaringType(state: CloneState | undefined): "declare" | "update" | "replace" {
  if (state?.phase === "Starting" || state?.phase === "Dispatching") return "replace";
  return isNewClone(state) ? "declare" : "update";
}
