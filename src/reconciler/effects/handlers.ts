import type { CloneState } from "../../core/model/clone-state.ts";
import type { Effect, EffectType } from "../../core/model/effect.ts";
import type { FactoryError } from "../../core/model/error.ts";
import type { CloneEvent } from "../../core/model/event.ts";
import type { EffectHandler, EffectParts, EffectTable } from "./effect.ts";
import { failed } from "./failed.ts";
import { createHandles } from "./handles.ts";
import { INSTANCE_EFFECTS } from "./instance-effects.ts";
import { MISSION_EFFECTS } from "./mission-effects.ts";

export interface EffectHandlers {
  /** Does it and tells what became of it. Throws for trouble outside. */
  carryOut(effect: Effect, state: CloneState, signal: AbortSignal): Promise<readonly CloneEvent[]>;
  /** What a failure means: events that settle the effect, or null to try again. */
  failed(effect: Effect, failure: FactoryError, lastTry: boolean): readonly CloneEvent[] | null;
}

/** Every type of effect: a new one is its type in the model and an entry in one of these tables. */
const EFFECTS: EffectTable<EffectType> = { ...INSTANCE_EFFECTS, ...MISSION_EFFECTS };

export function createEffectHandlers(parts: EffectParts): EffectHandlers {
  const handles = createHandles(parts.drivers);
  return {
    carryOut(effect, state, signal) {
      // The table is typed by its keys; that the handler of an effect's own type takes that effect is lost on a union.
      const handler = EFFECTS[effect.type] as EffectHandler<EffectType>;
      return handler(effect, { state, parts, handles, signal });
    },
    failed: (effect, failure, lastTry) => failed(effect, failure, { lastTry, now: parts.revisions.now() }),
  };
}
