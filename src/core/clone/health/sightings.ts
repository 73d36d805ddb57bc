/** What is seen of a living instance: health, adoption, loss, budget, window. */

import { SUPERVISOR } from "../../model/actor.ts";
import type { CloneState } from "../../model/clone-state.ts";
import type { CloneEvent } from "../../model/event.ts";
import type { Instant } from "../../model/time.ts";
import { stopMeter } from "../spending/active-time.ts";
import { limitsText } from "../spending/held-limits.ts";
import {
  ask,
  beginStop,
  type Step,
  stay,
  withGates,
  withIncident,
  withInstance,
  withMission,
} from "../step.ts";
import { endMission } from "../stop/end-mission.ts";
import { beginRecovery, endRecovery, giveUp, isOpen } from "./recovery-ladder.ts";

type Of<T extends CloneEvent["type"]> = Extract<CloneEvent, { type: T }>;

/** A new cadence begins now: a pause that the old one allowed is no silence under the new one. */
export function onConfigured(state: CloneState, event: Of<"instance.configured">, at: Instant): Step {
  const { instance } = state;
  if (instance?.epoch !== event.epoch) return stay(state, `epoch ${event.epoch} is over`);
  const { heartbeatIntervalMs } = event;
  if (instance.heartbeatIntervalMs === heartbeatIntervalMs) return stay(state, "it beats like that already");
  return stay(withInstance(state, { heartbeatIntervalMs, cadenceSince: at }));
}

export function onPaused(state: CloneState, event: Of<"instance.paused">, at: Instant): Step {
  if (state.instance?.epoch !== event.epoch) return stay(state, `epoch ${event.epoch} is over`);
  // A pause that was taken back meanwhile is a pause all the same, but none that anybody is held to.
  const pausedAt = state.instance.pauseAsked ? at : null;
  return stay(stopMeter(withInstance(state, { paused: true, pausedAt, settled: null, grace: null }), at));
}

export function onResumed(state: CloneState, event: Of<"instance.resumed">, at: Instant): Step {
  if (state.instance?.epoch !== event.epoch || state.phase !== "Running")
    return stay(state, `epoch ${event.epoch} is over`);
  return stay(
    withMission(withInstance(state, { paused: false, resumedAt: at }), {
      activeSince: state.mission?.activeSince ?? at,
    }),
  );
}

/** Found alive after our restart. Told where to call back; paused again if it should be. */
export function onAdopted(state: CloneState, event: Of<"instance.adopted">, at: Instant): Step {
  const { instance } = state;
  if (instance?.epoch !== event.epoch) return stay(state, `epoch ${event.epoch} is over`);
  const adopted = withGates(withInstance(state, { handle: event.handle, limitsTold: limitsText(state) }), [
    {
      type: "KillSwitchArmed",
      ok: true,
      reason: "HandleOnRecord",
      evidence: `driver ${event.handle.driver}, epoch ${event.epoch}, containment ${event.handle.containment}, adopted`,
      at,
    },
  ]);
  return instance.stopping === null ? ask(adopted, { type: "configure", epoch: event.epoch }) : stay(adopted);
}

/** A complete listing does not show it alive. Its outbox is drained with the stop, so what it had finished still counts. */
export function onGone(state: CloneState, event: Of<"instance.gone">, at: Instant): Step {
  const { instance } = state;
  if (instance?.epoch !== event.epoch || instance.stopping !== null)
    return stay(state, `epoch ${event.epoch} is over`);
  return beginStop(state, at, {
    reason: { type: "failed", signature: "gone", message: `the instance is gone: ${event.evidence}` },
    enter: "now",
    text: "the instance is gone",
  });
}

/** Ours by label, but not the instance of record: ended, never adopted in place of the other. */
export function onStray(state: CloneState, event: Of<"stray.found">, at: Instant): Step {
  const { handle } = event;
  if (state.instance?.epoch === handle.epoch) return stay(state, "it is the instance of record");
  const told = withIncident(state, { class: "stray_instance", at, message: event.evidence });
  return ask(told, { type: "stop", epoch: handle.epoch, enter: "now", reason: event.evidence });
}

export function onHealth(state: CloneState, event: Of<"health.changed">, at: Instant): Step {
  const { instance } = state;
  if (instance?.epoch !== event.epoch || instance.stopping !== null)
    return stay(state, `epoch ${event.epoch} is over`);
  const seen = withInstance(state, { health: event.health, healthSince: at, healthEvidence: event.evidence });
  const { evidence, cause = "silent", sinceMs = 0 } = event;
  const degraded = { cause, evidence, startedAt: at - sinceMs };
  if (event.health === "healthy") return stay(endRecovery(seen, at));
  // One that took the place of a lost one may be in trouble before it was ever healthy: that is a ladder of its own.
  const climbs = isOpen(seen.recovery) && seen.recovery.epoch === event.epoch;
  if (event.health === "degraded" && !climbs) return beginRecovery(seen, degraded, at);
  return event.health === "lost" ? giveUp(seen, degraded, at) : stay(seen);
}

export function onWindowEnded(state: CloneState, event: Of<"window.ended">, at: Instant): Step {
  if (state.mission === null || state.mission.terminal !== null) return stay(state, "there is no mission");
  return endMission(state, at, {
    status: "timed_out",
    by: SUPERVISOR,
    reason: event.evidence,
    enter: "cancel",
  });
}
