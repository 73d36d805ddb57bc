/**
 * The time that an agent has to end its turn before it is frozen. One for all who want it paused: it ends with whoever is the
 * least patient, and is measured on a clock that nobody sets, so that nobody who asks again makes it longer.
 */
import type { Pauser } from "./freezer.ts";

export interface PauseGrace {
  /** True when none was under way before. */
  begin(pauser: Pauser, graceMs: number): boolean;
  /** Somebody does not want it any more; with the last of them it ends. True when they did. */
  leave(pauser: Pauser): boolean;
  /** It is over, by its time or otherwise. Answers who had waited for it. */
  end(): readonly Pauser[];
  waitsFor(pauser: Pauser): boolean;
  /** 0: none is under way. */
  leftMs(): number;
}

/** `onOver`: its time has passed; it ends by `end` all the same. */
export function createPauseGrace(onOver: () => void): PauseGrace {
  const by = new Set<Pauser>();
  let running: { readonly endsAt: number; readonly timer: NodeJS.Timeout } | null = null;

  function end(): readonly Pauser[] {
    if (running !== null) clearTimeout(running.timer);
    running = null;
    const waited = [...by];
    by.clear();
    return waited;
  }

  return {
    begin(pauser, graceMs) {
      const first = running === null;
      const endsAt = performance.now() + graceMs;
      by.add(pauser);
      if (running !== null && running.endsAt <= endsAt) return first;
      if (running !== null) clearTimeout(running.timer);
      running = { endsAt, timer: setTimeout(onOver, graceMs) };
      return first;
    },
    leave(pauser) {
      const waited = by.delete(pauser);
      if (by.size === 0) end();
      return waited;
    },
    end,
    waitsFor: (pauser) => by.has(pauser),
    leftMs: () => (running === null ? 0 : Math.max(1, Math.ceil(running.endsAt - performance.now()))),
  };
}
