/** How a changed declaration reaches a clone that works: pinned until its end, or between two turns. */

import type { CloneState } from "../../model/clone-state.ts";
import { changeClass, changedFields } from "../../model/drift.ts";
import type { CloneEvent } from "../../model/event.ts";
import type { Signal } from "../../model/instance.ts";
import { type Instant, SECOND_MS } from "../../model/time.ts";
import { beginStop, type Step, stay } from "../step.ts";

/** The agent has to have been quiet this long: what it did last may not be finished yet. */
export const SETTLE_MS = 5 * SECOND_MS;
/** A heartbeat that is older says nothing about this moment. */
const FRESH_INTERVALS = 2;

/**
 * The state after a new declaration, with what its living instance does not
 * have yet. Hot fields reach it at once: nothing waits for them.
 */
export function withDrift(before: CloneState, after: CloneState, at: Instant): CloneState {
  if (before.spec === null || after.spec === null || before.instance === null) return after;
  const waiting = before.drift?.fields ?? [];
  const now = changedFields(before.spec, after.spec);
  const known = new Set(now.map(({ field }) => field));
  const fields = [...waiting.filter(({ field }) => !known.has(field)), ...now].filter(
    ({ class: of }) => of !== "hot",
  );
  const most = changeClass(fields);
  if (most === null) return { ...after, appliedDigest: after.spec.digest, drift: null };
  return {
    ...after,
    drift: {
      since: before.drift?.since ?? at,
      revision: after.spec.revision,
      fields,
      class: most,
    },
  };
}

/** Whether this is the moment for it: no open tool call, nothing asked, the connection known to be good, quiet. */
export function turnBoundary(state: CloneState, signal: Signal | undefined, now: Instant): CloneEvent[] {
  const { instance, drift, spec } = state;
  if (drift === null || spec?.update !== "turn_boundary" || state.phase !== "Running") return [];
  if (instance === null || instance.stopping !== null || instance.health !== "healthy") return [];
  if (state.holds.length > 0 || state.requests.length > 0) return [];
  if (signal === undefined || signal.heartbeat.epoch !== instance.epoch) return [];
  const { openToolCalls, lastEventAgeMs } = signal.heartbeat;
  if (now - signal.receivedAt > FRESH_INTERVALS * instance.heartbeatIntervalMs) return [];
  if (openToolCalls.length > 0 || lastEventAgeMs < SETTLE_MS) return [];
  return [
    {
      type: "turn.reached",
      epoch: instance.epoch,
      evidence: `no open tool call, quiet for ${Math.round(lastEventAgeMs / SECOND_MS)} s`,
    },
  ];
}

/** The agent ends in order and comes back in the same workspace, made of the new declaration. */
export function onTurnReached(
  state: CloneState,
  event: Extract<CloneEvent, { type: "turn.reached" }>,
  at: Instant,
): Step {
  const { instance, drift } = state;
  if (instance?.epoch !== event.epoch || instance.stopping !== null || state.phase !== "Running")
    return stay(state, `epoch ${event.epoch} is over`);
  if (drift === null) return stay(state, "it has everything");
  const what = drift.fields.map(({ field }) => field).join(", ");
  return beginStop(state, at, {
    reason: { type: "replaced", message: `takes up ${what} between two turns` },
    enter: "cancel",
    text: `takes up ${what} between two turns`,
  });
}
