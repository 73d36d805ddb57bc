/** Keeps the agent's processes still exactly while somebody wants them so, and knows since when they are. */
import { freezeAgent } from "../../instance/freeze.ts";
import type { Clocks } from "./clocks.ts";
import { type Life, targetOf } from "./life.ts";

/** Who may want the agent paused. */
export type Pauser = "operator" | "orphan" | "limit";

export interface Freezer {
  /** Those who want it frozen. Takes effect with `apply`. */
  readonly by: Set<Pauser>;
  /** One pass over its processes; false when it did not find all of them frozen, or thawed. */
  apply(): boolean;
  /** It was found frozen by the last pass, or is by another one. */
  standsStill(): boolean;
  /** Somebody wants it so, and the last pass found it so. */
  frozen(): boolean;
  frozenMs(): number;
  /** Lets it run for a moment, whoever wants what: for a signal that a frozen process would not get. */
  thaw(): void;
  /** Nobody wants it frozen any more. */
  letGo(): void;
}

export function createFreezer({ life, clocks }: { readonly life: Life; readonly clocks: Clocks }): Freezer {
  const by = new Set<Pauser>();
  /** The last pass found all of them as they should be. */
  let whole = true;
  let since: number | null = null;

  function apply(): boolean {
    if (life.agent === null) return true;
    clocks.setRunning(by.size === 0);
    whole = freezeAgent(targetOf(life), by.size > 0);
    since = by.size > 0 && whole ? (since ?? performance.now()) : null;
    return whole;
  }

  return {
    by,
    apply,
    standsStill: () => whole || apply(),
    frozen: () => by.size > 0 && whole,
    frozenMs: () => (since === null ? 0 : Math.round(performance.now() - since)),
    thaw() {
      if (by.size > 0) freezeAgent(targetOf(life), false);
    },
    letGo() {
      by.clear();
      since = null;
      freezeAgent(targetOf(life), false);
    },
  };
}
