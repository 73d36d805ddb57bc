/** Nothing that runs is stopped by mistake. */

import type { CloneEvent } from "../../model/event.ts";
import { FINE, found, type Invariant, type Recorded, type RecordWatcher } from "../fact.ts";

/** The only things that may end a living instance. */
const CAUSES: ReadonlySet<CloneEvent["type"]> = new Set([
  "clone.withdrawn",
  "mission.withdrawn",
  "mission.limits_changed",
  "clone.declared",
  "kill.requested",
  "instance.launch_failed",
  "dispatch.failed",
  "instance.reported",
  "instance.gone",
  "health.changed",
  "recovery.tried",
  "deadline.passed",
  "budget.crossed",
  "window.ended",
  "turn.reached",
  "runaway.detected",
  "pause.failed",
]);

/** Whatever ends a living instance is one of these. */
export const NOTHING_STOPPED_BY_MISTAKE: Invariant = {
  name: "nothing-stopped-by-mistake",
  promise: "nothing that runs is stopped for a source error, a broken file or an unconfirmed mass deletion",
  facts: ["recorded"],
  watch: watchStops,
};

export function watchStops(): RecordWatcher {
  return {
    on(fact) {
      if (fact.type !== "recorded") return FINE;
      const { event: stored, before, effects } = fact;
      const { event } = stored;
      // Who spends on although a pause was asked for is ended for it.
      if (event.type === "runaway.detected" && before.instance?.pauseAsked === true) return FINE;
      // A person's answer may be: stop.
      if (event.type === "request.decided" && event.decision.type === "stop") return FINE;
      const stop = effects.find(
        (effect) => effect.type === "stop" && effect.epoch === before.instance?.epoch,
      );
      const stops = beginsStop(fact) || (stop !== undefined && before.instance?.stopping === null);
      return stops && !CAUSES.has(event.type)
        ? found(stored.clone, stored.seq, `its living instance is stopped because of ${event.type}`)
        : FINE;
    },
  };
}

export function beginsStop({ before, after }: Recorded): boolean {
  return before.instance !== null && before.instance.stopping === null && after.instance?.stopping != null;
}

export const MISTAKE_INVARIANTS: readonly Invariant[] = [NOTHING_STOPPED_BY_MISTAKE];
