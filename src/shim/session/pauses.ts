import type { Clocks } from "../clocks.ts";
import { freezeAgent } from "../containment.ts";
import { type Life, targetOf } from "./life.ts";

/** Who wants the agent paused. It runs unless anybody does. */
export interface Pauses {
  by(): readonly Pauser[];
  /** Says who wants what from now on; false when some of its processes still ran after the last look. */
  set(by: Pauser, paused: boolean): boolean;
  /** Makes it so once more, also where we know of no change: the driver may have made one without us. */
  apply(): boolean;
  /** An agent that is ended has to hear that it is: nobody wants it paused any more. */
  lift(): void;
  /** Before a signal that a frozen agent would not get. */
  thaw(): void;
}

export type Pauser = "operator" | "orphan";

export function createPauses({ life, clocks }: { readonly life: Life; readonly clocks: Clocks }): Pauses {
  const pausedBy = new Set<Pauser>();

  function apply(): boolean {
    if (life.agent === null) return true;
    clocks.setRunning(pausedBy.size === 0);
    return freezeAgent(targetOf(life), pausedBy.size > 0);
  }

  return {
    by: () => [...pausedBy],
    set(by, paused) {
      if (paused === pausedBy.has(by)) return true;
      if (paused) pausedBy.add(by);
      else pausedBy.delete(by);
      return apply();
    },
    apply,
    lift() {
      pausedBy.clear();
      freezeAgent(targetOf(life), false);
    },
    thaw() {
      if (pausedBy.size > 0) freezeAgent(targetOf(life), false);
    },
  };
}
