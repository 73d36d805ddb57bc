import type { Log } from "../../ports/log.ts";
import type { NewEffect } from "../../ports/store.ts";
import { createListeners } from "./listeners.ts";

/** Effects that are on record and not settled; listeners are told of each once. */
export interface OpenEffects {
  isOpen(effect: string): boolean;
  onEffects(listener: (effects: readonly NewEffect[]) => void): void;
  /** A batch was written: some are settled, some are new. */
  take(batch: { readonly settled: readonly string[]; readonly effects: readonly NewEffect[] }): void;
  /** All that are open, as found on the disk; listeners are told of those that came to light. */
  replace(found: readonly NewEffect[]): void;
}

export function createOpenEffects(stored: readonly NewEffect[], log: Log): OpenEffects {
  const listeners = createListeners<readonly NewEffect[]>(log);
  const open = new Set(stored.map((effect) => effect.id));

  function announce(effects: readonly NewEffect[]): void {
    for (const effect of effects) open.add(effect.id);
    if (effects.length > 0) listeners.tell(effects);
  }

  return {
    isOpen: (effect) => open.has(effect),
    onEffects: listeners.add,
    take({ settled, effects }) {
      for (const id of settled) open.delete(id);
      announce(effects);
    },
    replace(found) {
      const ids = new Set(found.map((effect) => effect.id));
      for (const id of open) if (!ids.has(id)) open.delete(id);
      announce(found.filter((effect) => !open.has(effect.id)));
    },
  };
}
