/** What a proposal is compared with: the world as the record tells of it, as a controller does, or as the base asks for it. */
import type { CloneState } from "../model/clone-state.ts";
import type { DesiredState } from "../model/desired.ts";
import type { FleetSnapshot } from "../model/fleet-state.ts";
import type { Instant } from "../model/time.ts";
import type { ObservedState } from "../plan/observed.ts";
import { declaredSwitch, type Lived, observedOfTree } from "../plan/preview.ts";

export type World =
  /** Nobody says what lives. `why`, as the beginning of a sentence: `There is no status branch`. */
  | { readonly type: "assumed"; readonly why: string }
  /** A controller has answered. */
  | { readonly type: "told"; readonly lived: Lived }
  | RecordedWorld;

/** As the status branch has it. */
export interface RecordedWorld {
  readonly type: "recorded";
  /** Its commit. */
  readonly commit: string;
  readonly states: ReadonlyMap<string, CloneState>;
  /** Null: the branch tells nothing of the fleet as a whole. */
  readonly fleet: FleetSnapshot | null;
  /** Anybody who can push may have written it: no key that the fleet lists stands behind it. */
  readonly unverified?: boolean;
}

/** The world as `plan` wants it, under the kill switch that `desired` declares. */
export function observedIn(
  world: World,
  {
    base,
    desired,
    now,
  }: { readonly base: DesiredState | null; readonly desired: DesiredState; readonly now: Instant },
): ObservedState {
  if (world.type !== "recorded") {
    const seen = observedOfTree(base, { now, ...(world.type === "told" ? { lived: world.lived } : {}) });
    return { ...seen, killSwitch: declaredSwitch(desired) };
  }
  const { states, fleet } = world;
  return {
    complete: true,
    problem: null,
    // The record keeps no handle by which an instance could be found, and without one nothing is concluded about it.
    instances: [],
    states,
    killSwitch: [...(fleet?.killSwitch.engaged ?? []), ...declaredSwitch(desired)],
    pendingDeletion: fleet?.pendingDeletion ?? null,
    pin: fleet?.guardrails.pin ?? null,
    rollouts: new Map(Object.entries(fleet?.rollouts ?? {})),
    doubt: null,
  };
}

/** Whether an instance of the clone lives. */
export function runs(world: World, state: CloneState | undefined): "yes" | "no" | "unknown" {
  if (world.type === "assumed") return "unknown";
  return (state?.instance ?? null) === null ? "no" : "yes";
}
