/** How a held agent is paused: at once, or at the end of its turn and within a grace (decision 13). */
import { PAUSE_GRACE_MS_MAX } from "../../model/clone.ts";
import type { CloneState, InstanceState } from "../../model/clone-state.ts";
import type { Effect } from "../../model/effect.ts";
import type { CloneEvent } from "../../model/event.ts";
import type { Hold } from "../../model/hold.ts";
import type { Signal } from "../../model/instance.ts";
import { type Instant, iso, SECOND_MS } from "../../model/time.ts";
import { isOver } from "../limits.ts";
import { isDayHold } from "../spending/day-caps.ts";
import { ask, beginStop, type Step, stay, withIncident, withInstance } from "../step.ts";

type Of<T extends CloneEvent["type"]> = Extract<CloneEvent, { type: T }>;

/**
 * What an agent may still do before it is frozen. The mission's word goes before the clone's. Nothing, where
 * what holds it is that it must not do more: its lane is frozen, its provider said no, a limit is reached.
 */
export function pauseGraceMs(state: CloneState): number {
  const { mission } = state;
  if (mission === null || state.holds.some(allowsNoMore) || isSpent(mission.crossed)) return 0;
  return declaredGraceMs(state);
}

/** As it stands in the files, whatever holds the agent. */
export function declaredGraceMs({ mission, spec }: CloneState): number {
  if (mission === null) return 0;
  const seconds = mission.limits.pause_grace_seconds;
  const declaredMs = seconds === undefined ? (spec?.pauseGraceMs ?? 0) : seconds * SECOND_MS;
  return Math.min(declaredMs, PAUSE_GRACE_MS_MAX);
}

/** How much of it is left, for whoever asks the shim now. */
export function graceLeftMs(instance: InstanceState | null, now: Instant): number {
  if (instance?.grace == null) return 0;
  return Math.min(Math.max(0, instance.grace.until - now), PAUSE_GRACE_MS_MAX);
}

/** Something holds it. */
export function askToPause(state: CloneState, epoch: number, at: Instant): Step {
  const graceMs = pauseGraceMs(state);
  const grace = graceMs > 0 ? { until: at + graceMs, beat: null } : null;
  return askFor(state, { pauseAsked: true, pauseAskedAt: at, grace }, { type: "pause", epoch });
}

/** Nothing does any more; a grace under way is taken back with it. */
export function askToGoOn(state: CloneState, epoch: number): Step {
  return askFor(state, { pauseAsked: false, pauseAskedAt: null, grace: null }, { type: "resume", epoch });
}

function askFor(
  state: CloneState,
  asked: Pick<InstanceState, "pauseAsked" | "pauseAskedAt" | "grace">,
  effect: Effect,
): Step {
  return ask(withInstance(state, { ...asked, pausedAt: null, settled: null }), effect);
}

/** A grace that is under way and no longer due: what it was given for is used up, or something else holds it now. */
export function cutGrace(state: CloneState, at: Instant): Step | null {
  const { instance, phase } = state;
  if (phase !== "Running" || instance === null || instance.grace === null) return null;
  return pauseGraceMs(state) === 0 ? freezeNow(state, instance.epoch, at) : null;
}

/** The shim has told its agent. Whatever beats after this and says `paused` speaks of this pause. */
export function onPausing(state: CloneState, event: Of<"instance.pausing">): Step {
  const { instance } = state;
  if (instance?.epoch !== event.epoch) return stay(state, `epoch ${event.epoch} is over`);
  if (instance.grace === null) return stay(state, "its grace is over");
  return stay(withInstance(state, { grace: { ...instance.grace, beat: event.beat } }));
}

/** Its turn ended, or its time did: it is frozen by its shim, and by us where we do not hear of that. */
export function duePause(state: CloneState, signal: Signal | undefined, now: Instant): CloneEvent[] {
  const { instance } = state;
  if (instance === null || instance.grace === null || instance.stopping !== null) return [];
  const { epoch, grace } = instance;
  const said = signal?.heartbeat.epoch === epoch ? signal.heartbeat : null;
  if (said?.phase === "paused" && grace.beat !== null && said.seq > grace.beat)
    return [{ type: "instance.paused", epoch }];
  if (!isOver(grace.until, now)) return [];
  const evidence = `the grace of its pause is over (${iso(grace.until)})`;
  return [{ type: "deadline.passed", deadline: "pause", epoch, evidence }];
}

export function onPauseDue(state: CloneState, event: Of<"deadline.passed">, at: Instant): Step {
  const { instance } = state;
  if (instance?.epoch !== event.epoch || instance.stopping !== null)
    return stay(state, `epoch ${event.epoch} is over`);
  return instance.grace === null ? stay(state, "it is paused") : freezeNow(state, event.epoch, at);
}

/** From here on the pause counts as asked for: what is used in a grace was allowed. */
function freezeNow(state: CloneState, epoch: number, at: Instant): Step {
  return ask(withInstance(state, { grace: null, pauseAskedAt: at }), { type: "pause", epoch });
}

/** What does not stand still when it is told to is ended; its mission goes on when the hold is lifted. */
export function onPauseFailed(state: CloneState, event: Of<"pause.failed">, at: Instant): Step {
  const { instance } = state;
  if (instance?.epoch !== event.epoch || instance.stopping !== null)
    return stay(state, `epoch ${event.epoch} is over`);
  const message = `epoch ${event.epoch} did not stand still when it was paused: ${event.message}`;
  return beginStop(withIncident(state, { class: "pause_failed", at, message, over: true }), at, {
    reason: { type: "failed", signature: "pause", message },
    enter: "now",
    text: message,
  });
}

function allowsNoMore(hold: Hold): boolean {
  return NO_MORE.has(hold.kind) || isDayHold(hold);
}

const NO_MORE: ReadonlySet<Hold["kind"]> = new Set(["freeze", "quarantine", "throttle"]);

/** The hard stop of calls and cost (decision 11). */
function isSpent({ llm_calls, cost_usd }: NonNullable<CloneState["mission"]>["crossed"]): boolean {
  return llm_calls === "stop" || cost_usd === "stop";
}
