import type { Calendar } from "../model/calendar.ts";
import type { CloneState } from "../model/clone-state.ts";
import { RECENT_MAX } from "../model/clone-state.ts";
import type { Effect } from "../model/effect.ts";
import type { CloneEvent } from "../model/event.ts";
import type { Instant } from "../model/time.ts";
import { conditionsOf } from "./conditions.ts";
import { describe, ruleOf } from "./events.ts";
import { TEXT_MAX } from "./limits.ts";
import { meterPeople } from "./questions/waiting-for-people.ts";
import { advance } from "./start/launch.ts";

export interface Decision {
  readonly state: CloneState;
  /** In the order in which they are to be carried out. */
  readonly effects: readonly Effect[];
  /** Why the event changed nothing, where it did not; it is recorded all the same. */
  readonly ignored?: string;
}

/**
 * What one event means for one clone: its next state and what is to be done
 * outside. Pure: the same record and the same clock give the same decisions,
 * so a state can be rebuilt from its events, and every decision explained.
 *
 * The policy comes with the clone's resolved spec and jitter is computed from
 * its name and epoch: it looks nothing up. An event that comes too late, twice,
 * or for an epoch that is over leaves the state as it is and says so.
 *
 * After the event itself `advance` takes the steps that have become possible.
 * With a `calendar` that is kept, windows are not read anew for each event; the answer is the same.
 */
export function decide(state: CloneState, event: CloneEvent, at: Instant, calendar?: Calendar): Decision {
  const first = ruleOf(event).on(state, event, at);
  const then = advance(first.state, at);
  const metered = meterPeople(then.state, at);
  const counted = {
    ...metered,
    version: state.version + 1,
    recent: [...state.recent, { at, type: event.type, text: describe(event).slice(0, TEXT_MAX) }].slice(
      -RECENT_MAX,
    ),
  };
  return {
    state: { ...counted, conditions: conditionsOf(counted, at, calendar) },
    effects: [...first.effects, ...then.effects],
    ...(first.ignored === undefined ? {} : { ignored: first.ignored }),
  };
}

/** Rebuilds a state from its events: `fold(initialState(name, at), events)`. */
export function fold(
  initial: CloneState,
  events: readonly { readonly event: CloneEvent; readonly at: Instant }[],
): CloneState {
  return events.reduce((state, { event, at }) => decide(state, event, at).state, initial);
}
