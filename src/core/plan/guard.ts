import { isConfirmed } from "../fleet/deletions/pending.ts";
import type { CloneState } from "../model/clone-state.ts";
import type { PendingDeletion } from "../model/deletion.ts";
import type { DesiredState } from "../model/desired.ts";
import type { Held, PlanStepDraft } from "./step.ts";

/** The part of the fleet that one commit may remove without a second one (design section 9). */
const DELETIONS_FREE_PART = 0.2;

export interface Guarded {
  readonly steps: readonly PlanStepDraft[];
  readonly held: readonly Held[];
  readonly pendingDeletion: PendingDeletion | null;
}

/**
 * Lets deletions pass, or holds them. More than max(1, 20 %) of the fleet, or
 * all that is left of it, goes only when a later commit names the one that
 * removed it in `fleet.yaml`: nobody can know that name while writing the
 * removal, so a slip of the hand cannot confirm itself.
 *
 * What counts is what would be removed in sum since the fleet was last at
 * rest, so a large deletion cannot be cut into small commits while it is held.
 * It is measured against the fleet as it was before: what the same commit, or one
 * that comes while it is held, adds makes no room for it.
 */
export function guardDeletions(
  deletions: readonly PlanStepDraft[],
  against: {
    readonly desired: DesiredState;
    /** The record, without what this plan adds; the deletions are measured against the fleet in it. */
    readonly states: ReadonlyMap<string, CloneState>;
    /** A mass deletion that was seen before and waits for its confirmation. */
    readonly pendingDeletion: PendingDeletion | null;
  },
): Guarded {
  const { desired } = against;
  const lanes = new Set(deletions.map((deletion) => deletion.clone));
  if (lanes.size === 0) return { steps: [], held: [], pendingDeletion: null };
  const before = against.pendingDeletion;
  const now = fleetOf(against.states).length;
  const clones = Math.min(now, before?.clones ?? now);
  const free = freeDeletions(clones);
  const takesAll = lanes.size >= clones;
  if (lanes.size <= free && !takesAll) return { steps: deletions, held: [], pendingDeletion: null };

  const names = deletions.map(nameOf).sort();
  // Names that came later were removed by a later commit, which has to be confirmed in its turn.
  const grown = before === null || names.some((name) => !before.names.includes(name));
  const pending: PendingDeletion = { revision: grown ? desired.revision : before.revision, names, clones };
  if (isConfirmed(pending, desired)) return { steps: deletions, held: [], pendingDeletion: null };
  const message =
    `commit ${pending.revision.slice(0, 12)} removes ${lanes.size} of ${clones} clones; ${free} may go without confirmation. ` +
    `To confirm, set \`spec.confirm_deletion.commit: ${pending.revision}\` in fleet.yaml in a second commit`;
  return {
    steps: [],
    held: deletions.map((deletion) => ({
      subject: nameOf(deletion),
      step: deletion.type,
      reason: "MassDeleteGuard",
      message,
    })),
    pendingDeletion: pending,
  };
}

/** How many clones of a fleet one commit may remove. */
export function freeDeletions(clones: number): number {
  return Math.max(1, Math.floor(clones * DELETIONS_FREE_PART));
}

/** What a deletion is measured against: every clone that is wanted and not put away. Names, ordered. */
export function fleetOf(states: ReadonlyMap<string, CloneState>): readonly string[] {
  return [...states.values()]
    .filter((state) => !state.withdrawn && state.spec !== null && state.phase !== "Retired")
    .map((state) => state.name)
    .sort();
}

function nameOf(deletion: PlanStepDraft): string {
  return deletion.type === "withdraw" ? `mission/${deletion.mission}` : `clone/${deletion.clone}`;
}
