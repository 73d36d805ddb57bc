/** Reports that do not arrive as they should (runbook 6.2): gaps, silence that is the way's fault, refusals. */
import { type CallbackState, REFUSED_MAX } from "../../model/callback.ts";
import type { CloneState, InstanceState } from "../../model/clone-state.ts";
import type { CloneEvent } from "../../model/event.ts";
import type { Signal } from "../../model/instance.ts";
import type { Probed } from "../../model/liveness.ts";
import { type Instant, MINUTE_MS, SECOND_MS } from "../../model/time.ts";
import { isOver } from "../limits.ts";
import { ask, endIncidents, type Step, stay, withIncident, withInstance } from "../step.ts";
import type { Watch } from "./liveness.ts";

type Of<T extends CloneEvent["type"]> = Extract<CloneEvent, { type: T }>;

/** A way that loses every second report is one incident in this time, and not a hundred. */
const TELL_AGAIN_MS = 10 * MINUTE_MS;
/** Beyond one interval: a report may be overtaken by the heartbeat that names it. */
const GAP_GRACE_MS = 5 * SECOND_MS;
/** While the callback is down the outbox is read again after half of the time that this has lasted, at least this */
const PULL_MIN_MS = 15 * SECOND_MS;
/** and never later than so many intervals: the lease of an instance that answers nobody is not much longer. */
const PULL_INTERVALS_MAX = 2;
/** More than one beat was tried in vain. */
const UNREACHED_INTERVALS_MIN = 1.5;
/** An answer that is lost with its effect is not waited for any longer. */
const PULL_ANSWER_MS = 5 * MINUTE_MS;

/** A number is missing, or a heartbeat names one that did not come: read the outbox through the driver. */
export function onGap(state: CloneState, event: Of<"callback.gap">, at: Instant): Step {
  const { instance } = state;
  if (instance?.epoch !== event.epoch) return stay(state, `epoch ${event.epoch} is over`);
  if (instance.gapAt !== null) return stay(state, "the gap is known");
  const message = `report ${event.expectedSeq} did not arrive, the instance has sent ${event.seenSeq}`;
  const { toldAt } = instance.callback;
  const tell = toldAt === null || Math.abs(at - toldAt) >= TELL_AGAIN_MS;
  const told = tell ? withIncident(state, { class: "callback_gap", at, message }) : state;
  const marked = withInstance(told, {
    gapAt: event.expectedSeq,
    callback: { ...instance.callback, toldAt: tell ? at : toldAt },
  });
  return ask(marked, { type: "pull", epoch: event.epoch });
}

/** The outbox was read. What it brought while no heartbeat arrives proves that the callback is down, and not the instance. */
export function onPulled(state: CloneState, event: Of<"callback.restored">, at: Instant): Step {
  const { instance } = state;
  if (instance?.epoch !== event.epoch) return stay(state, `epoch ${event.epoch} is over`);
  const brought = event.brought ?? 0;
  // Whoever has written something since the last look lives: that is as good as an answer.
  const answeredAt = brought > 0 ? at : instance.answeredAt;
  const closed = endIncidents(withInstance(state, { gapAt: null, answeredAt }), ["callback_gap"], at);
  const { downSince } = instance.callback;
  if (downSince !== null) {
    return stay(withCallback(closed, { pullAt: at + pullWaitMs(instance, at - downSince) }));
  }
  // Asked for because no heartbeat arrived: an agent that was stopped is degraded as well, and beats.
  const silent = isDegraded(instance) && instance.callback.pullAt !== null;
  if (!silent) return stay(withCallback(closed, { pullAt: null }));
  if (brought === 0) return stay(withCallback(closed, { pullAt: at + pullWaitMs(instance) }));
  const evidence = `${brought} report${brought === 1 ? "" : "s"} came through the driver`;
  return stay(withCallbackDown(closed, instance, evidence, at));
}

/**
 * A look at an instance that fell silent. One that answers it and has tried to reach us in vain is well, and the way to us
 * is not: also one that has nothing to report, of which a reading of its outbox would prove nothing.
 */
export function withCallbackReachability(state: CloneState, found: Probed | null, at: Instant): CloneState {
  const { instance } = state;
  if (instance === null || instance.callback.downSince !== null || !isDegraded(instance)) return state;
  const unreachedMs = found?.answers === true ? (found.unreachedMs ?? 0) : 0;
  if (unreachedMs < UNREACHED_INTERVALS_MIN * instance.heartbeatIntervalMs) return state;
  const evidence = `its shim answers the driver, and has tried to reach us for ${Math.round(unreachedMs / SECOND_MS)} s`;
  return withCallbackDown(state, instance, evidence, at);
}

function withCallbackDown(
  state: CloneState,
  instance: InstanceState,
  evidence: string,
  at: Instant,
): CloneState {
  const message = `${evidence} while no heartbeat arrives: the instance cannot reach the controller`;
  const told = withIncident(state, {
    class: "callback_down",
    at,
    message,
    startedAt: instance.healthSince,
  });
  return withCallback(told, { downSince: at, pullAt: at + pullWaitMs(instance) });
}

function pullWaitMs({ heartbeatIntervalMs }: InstanceState, downMs = 0): number {
  return Math.min(Math.max(PULL_MIN_MS, downMs / 2), PULL_INTERVALS_MAX * heartbeatIntervalMs);
}

/** No heartbeat arrives: what the instance has to say may still be read past its callback. */
export function onPullDue(state: CloneState, event: Of<"callback.pull_due">, at: Instant): Step {
  const { instance } = state;
  if (instance?.epoch !== event.epoch || instance.stopping !== null)
    return stay(state, `epoch ${event.epoch} is over`);
  // Replaced by the answer. Until then nothing else asks, unless the answer is lost with its effect.
  return ask(withCallback(state, { pullAt: at + PULL_ANSWER_MS }), { type: "pull", epoch: event.epoch });
}

/** A heartbeat got through again. */
export function onCallbackUp(state: CloneState, event: Of<"callback.up">, at: Instant): Step {
  if (state.instance?.epoch !== event.epoch) return stay(state, `epoch ${event.epoch} is over`);
  return stay(endIncidents(withCallback(state, { downSince: null, pullAt: null }), ["callback_down"], at));
}

/** Nothing is lost by it: the reports stay in the outbox, and come by the pull. That we refuse our own is for people to look at. */
export function onReportsRefused(state: CloneState, event: Of<"callback.refused">, at: Instant): Step {
  const { instance } = state;
  if (instance?.epoch !== event.epoch) return stay(state, `epoch ${event.epoch} is over`);
  if (event.seen <= instance.callback.refusedSeen) return stay(state, "these are known");
  const news = event.reports.slice(-(event.seen - instance.callback.refusedSeen));
  const first = news[0];
  const what = first === undefined ? "" : `, ${first.reportType} #${first.seq} with status ${first.status}`;
  const told = withIncident(state, {
    class: "missed_callback",
    at,
    message: `the controller refused ${event.seen - instance.callback.refusedSeen} reports for good${what}; its shim keeps them as dead letters`,
    evidence: news.map((one) => `#${one.seq} ${one.reportType}: ${one.status}`).join(", "),
    over: true,
  });
  return stay(
    withCallback(told, {
      refused: event.reports.slice(-REFUSED_MAX),
      refusedSeen: event.seen,
      refusedAt: at,
    }),
  );
}

/** What has fallen due on the way between an instance and us. */
export function dueCallback(
  state: CloneState,
  signal: Signal | undefined,
  now: Instant,
  watch: Watch,
): readonly CloneEvent[] {
  const { instance } = state;
  if (instance === null || instance.stopping !== null || instance.handle === null) return [];
  const { epoch, callback } = instance;
  const heard = signal !== undefined && signal.heartbeat.epoch === epoch ? signal : null;
  if (heard !== null && callback.downSince !== null && heard.receivedAt > callback.downSince)
    return [{ type: "callback.up", epoch, evidence: "a heartbeat arrived" }];
  if (heard !== null && instance.gapAt === null && heard.heartbeat.lastEventSeq > instance.lastSeq) {
    // While heartbeats arrive they tell of it themselves; this is for the last one before a silence.
    const since = Math.max(heard.receivedAt, watch.watchingSince);
    if (now - since - watch.lagMs >= instance.heartbeatIntervalMs + GAP_GRACE_MS) {
      const seenSeq = heard.heartbeat.lastEventSeq;
      return [{ type: "callback.gap", epoch, expectedSeq: instance.lastSeq + 1, seenSeq }];
    }
  }
  const heardAt = heard?.receivedAt ?? instance.readyAt ?? now;
  const silent = now - heardAt - watch.lagMs >= 2 * instance.heartbeatIntervalMs;
  const wanted = (isDegraded(instance) && silent) || callback.downSince !== null;
  if (!wanted || instance.gapAt !== null) return [];
  if (callback.pullAt !== null && !isOver(callback.pullAt, now)) return [];
  return [{ type: "callback.pull_due", epoch, evidence: "no heartbeat arrives; its outbox is read" }];
}

function isDegraded(instance: InstanceState): boolean {
  return instance.health === "degraded" || instance.health === "lost";
}

function withCallback(state: CloneState, change: Partial<CallbackState>): CloneState {
  const { instance } = state;
  return instance === null ? state : withInstance(state, { callback: { ...instance.callback, ...change } });
}
