import { decide } from "../clone/decide.ts";
import { decideFleet } from "../fleet/decide.ts";
import { createCalendar } from "../model/calendar.ts";
import { type CloneState, initialState } from "../model/clone-state.ts";
import { type FleetState, INITIAL_FLEET } from "../model/fleet-state.ts";
import { sameValue } from "../model/same.ts";
import type { ChainedEvent, FleetRecorded, Recorded } from "./fact.ts";

/** A record as its events alone tell it, which does not depend on what was stored beside them. */
export interface RecordFold {
  readonly states: ReadonlyMap<string, CloneState>;
  readonly fleet: FleetState;
  /** What the next event meant. */
  next(event: ChainedEvent, decidedMs: number): Recorded | FleetRecorded;
  /**
   * Goes on from what was stored where it says the same: the next state then shares with the next stored one what did
   * not change, and comparing the two costs no more than the change.
   */
  goOnFrom(stored: { readonly states: readonly CloneState[]; readonly fleet?: FleetState }): void;
}

export function createRecordFold(): RecordFold {
  const states = new Map<string, CloneState>();
  let fleet = INITIAL_FLEET;
  const calendar = createCalendar();
  return {
    states,
    get fleet() {
      return fleet;
    },
    next(event, decidedMs) {
      if (event.clone === null) {
        const before = fleet;
        const { state: after, ignored } = decideFleet(before, event.event, event.at);
        fleet = after;
        return {
          type: "fleet-recorded",
          event,
          before,
          after,
          ignored: ignored !== undefined,
          decidedMs,
        };
      }
      const before = states.get(event.clone) ?? initialState(event.clone, event.at);
      const { state: after, effects, ignored } = decide(before, event.event, event.at, calendar);
      states.set(event.clone, after);
      // What was restored stood there before, in another record: only what comes of it is new.
      const restored = event.event.type === "clone.restored" && ignored === undefined;
      return {
        type: "recorded",
        event,
        before: restored ? after : before,
        after,
        effects,
        ignored: ignored !== undefined,
        decidedMs,
      };
    },
    goOnFrom(stored) {
      for (const state of stored.states)
        if (sameValue(states.get(state.name), state)) states.set(state.name, state);
      if (stored.fleet !== undefined && sameValue(fleet, stored.fleet)) fleet = stored.fleet;
    },
  };
}
