/** What lives, as the drivers list it, against what is on record. */
import type { CloneState } from "../model/clone-state.ts";
import type { ObservedInstance } from "../model/instance.ts";
import type { ObservedState } from "./observed.ts";
import { type Held, type PlanStepDraft, stepOn } from "./step.ts";

export interface ListingSteps {
  readonly stop: readonly PlanStepDraft[];
  readonly adopt: readonly PlanStepDraft[];
  readonly gone: readonly PlanStepDraft[];
  readonly held: readonly Held[];
}

/**
 * Judged against the record as it was when the listing was begun, and not against what the plan leads to.
 * A listing that is not complete proves nothing gone.
 */
export function planListing(observed: ObservedState): ListingSteps {
  const alive = aliveByClone(observed.instances);
  const stop: PlanStepDraft[] = [];
  const adopt: PlanStepDraft[] = [];
  const held: Held[] = [];
  for (const [clone, instances] of alive) {
    const state = observed.states.get(clone);
    for (const seen of instances) {
      if (state === undefined || seen.handle.epoch > state.epoch) held.push(unrecorded(seen));
      else if (!isOfRecord(seen, state)) stop.push(stopStray(seen, state));
      else if (isMissingItsHandle(seen, state)) adopt.push(adoption(seen, state));
    }
  }
  if (observed.complete) return { stop, adopt, gone: provenGone(observed, alive), held };
  if (observed.problem !== null)
    held.push({ subject: "fleet", step: "gone", reason: "ListingIncomplete", message: observed.problem });
  return { stop, adopt, gone: [], held };
}

type Alive = ReadonlyMap<string, readonly ObservedInstance[]>;

function aliveByClone(instances: readonly ObservedInstance[]): Alive {
  const alive = new Map<string, ObservedInstance[]>();
  for (const seen of instances) {
    if (seen.state === "dead") continue;
    const list = alive.get(seen.handle.clone);
    if (list === undefined) alive.set(seen.handle.clone, [seen]);
    else list.push(seen);
  }
  return alive;
}

function isOfRecord({ handle }: ObservedInstance, { instance }: CloneState): boolean {
  return instance?.epoch === handle.epoch && instance.nonce === handle.nonce;
}

function isMissingItsHandle(seen: ObservedInstance, { instance }: CloneState): boolean {
  return instance?.handle === null && instance.stopping === null && seen.state === "live";
}

/** A name that the record does not know, or an epoch that it has not come to: it is left alone. */
function unrecorded({ handle }: ObservedInstance): Held {
  return {
    subject: `clone/${handle.clone}`,
    step: "adopt",
    reason: "Unrecorded",
    message: `epoch ${handle.epoch} lives but is not on record; it is left alone and nothing is started beside it`,
  };
}

function stopStray({ handle }: ObservedInstance, state: CloneState): PlanStepDraft {
  const evidence = `epoch ${handle.epoch} lives although epoch ${state.epoch} is the highest on record`;
  return stepOn(state, {
    type: "stop",
    why: { trigger: "ours, but not the instance of record" },
    event: { type: "stray.found", handle, evidence },
  });
}

function adoption({ handle }: ObservedInstance, state: CloneState): PlanStepDraft {
  return stepOn(state, {
    type: "adopt",
    why: { trigger: "found alive without a handle on record" },
    event: { type: "instance.adopted", epoch: handle.epoch, handle },
  });
}

function provenGone(observed: ObservedState, alive: Alive): PlanStepDraft[] {
  const gone: PlanStepDraft[] = [];
  for (const state of observed.states.values()) {
    const { instance } = state;
    if (instance === null || instance.handle === null || instance.stopping !== null) continue;
    if (alive.get(state.name)?.some((seen) => isOfRecord(seen, state)) === true) continue;
    const { epoch } = instance;
    const evidence = `a complete listing does not show epoch ${epoch} alive`;
    gone.push(
      stepOn(state, {
        type: "gone",
        why: { trigger: evidence },
        event: { type: "instance.gone", epoch, evidence },
      }),
    );
  }
  return gone;
}
