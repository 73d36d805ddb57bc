/**
 * The way back of an instance that is degraded (design section 6), one rung after the other:
 *
 *   probe ──► reconnect ──► resume in place ──► restart at a higher epoch
 *
 * - probe: look at its processes and ask its shim. What is found decides what comes next.
 * - reconnect: wake and configure the shim, and bring in what it has to say.
 * - resume in place: the shim continues its agent, or starts it again; only where the agent is what is wrong.
 * - restart: fence, proof of death, a higher epoch. Nothing replaces an instance on an earlier rung.
 *
 * A rung has `TRIES_MAX` attempts for one cause within `TRIES_WINDOW_MS`, over as many recoveries as
 * fall into that time, and within one recovery however long that takes, so that no cure is tried for ever. What helps
 * ends the ladder. When something else is wrong after an attempt (its shim was woken and its agent is stopped), the ladder begins anew for that.
 */

import type { CloneState, InstanceState } from "../../model/clone-state.ts";
import type { Effect } from "../../model/effect.ts";
import { assertNever } from "../../model/error.ts";
import type { CloneEvent } from "../../model/event.ts";
import type { DegradedCause, Probed, Recovery, Rung } from "../../model/liveness.ts";
import { type Instant, MINUTE_MS, SECOND_MS } from "../../model/time.ts";
import { withActive } from "../spending/active-time.ts";
import { beginStop, type Step, stay, withIncident, withInstance, withMission } from "../step.ts";
import { withCallbackReachability } from "./callback.ts";
import { graceMs } from "./liveness.ts";

type Of<T extends CloneEvent["type"]> = Extract<CloneEvent, { type: T }>;

/** What the field has settled on: three attempts in five minutes; only other evidence makes them new ones. */
export const TRIES_MAX = 3;
export const TRIES_WINDOW_MS = 5 * MINUTE_MS;
/** An attempt whose outcome is not recorded by then counts as failed: its lane is stuck, or we were. */
export const ASKED_MS_MAX = MINUTE_MS;
/** Between two attempts of a rung that was refused: long enough for a busy machine, and no more. */
const AGAIN_MS_MIN = 1 * SECOND_MS;

/** Until an instance that is reached, and cannot reach us, is looked at again. */
const AGAIN_DOWN_MS = 30 * SECOND_MS;

export interface Degraded {
  readonly cause: DegradedCause;
  readonly evidence: string;
  readonly startedAt: Instant;
}

/** The first rung. Attempts for the same cause that are not long ago still count. */
export function beginRecovery(state: CloneState, seen: Degraded, at: Instant): Step {
  const { instance } = state;
  if (instance === null) return stay(state);
  const message = `epoch ${instance.epoch} is degraded: ${seen.evidence}`;
  const told = withIncident(state, { class: "degraded", at, startedAt: seen.startedAt, message });
  return takeRung(withRecovery(told, fresh(state, instance, seen, at)), "probe", at);
}

/** The instance is taken for lost: whatever rung it was on, only its end and a higher epoch are left. */
export function giveUp(state: CloneState, seen: Degraded, at: Instant): Step {
  const { instance } = state;
  if (instance === null) return stay(state);
  const open = isOpen(state.recovery) ? state.recovery : fresh(state, instance, seen, at);
  return restart(withRecovery(state, open), seen.evidence, at);
}

/** It is healthy again: by the rung that was under way. */
export function endRecovery(state: CloneState, at: Instant): CloneState {
  const { recovery } = state;
  const ended = isOpen(recovery)
    ? withRecovery(state, { ...recovery, ...OVER, recoveredBy: recovery.rung, recoveredAt: at })
    : state;
  return endTrouble(ended, at, isOpen(recovery) ? recovery : null);
}

/** Its instance is dead. A mission that goes on recovers with the next one; else there is nothing left to recover. */
export function afterBurial(state: CloneState, goesOn: boolean, at: Instant): CloneState {
  const { recovery } = state;
  if (!isOpen(recovery)) return state;
  if (goesOn) return withRecovery(state, { ...recovery, rung: "restart", stage: "asked", until: null });
  return withRecovery(state, { ...recovery, ...OVER, recoveredBy: null, recoveredAt: at });
}

/** The outcome of an attempt. */
export function onTried(state: CloneState, event: Of<"recovery.tried">, at: Instant): Step {
  const { instance } = state;
  if (instance?.epoch !== event.epoch || instance.stopping !== null)
    return stay(state, `epoch ${event.epoch} is over`);
  const heard = event.ok && event.found?.answers !== false ? onAnswer(state, event.found, at) : state;
  const { recovery } = heard;
  if (isOpen(recovery) && recovery.stage === "waiting" && event.rung === "probe")
    return onSeenBeyond(heard, recovery, event, at);
  if (!isOpen(recovery) || recovery.stage !== "asked" || recovery.rung !== event.rung)
    return stay(heard, "its answer is no longer awaited");
  switch (event.rung) {
    case "probe":
      return onProbed(heard, recovery, event, at);
    case "reconnect":
      if (event.ok && isAgentWrong(recovery)) return takeRung(heard, "resume", at);
      return stay(wait(heard, recovery, { event, instance }, at));
    case "resume": {
      const said = event.ok ? withMission(heard, { summary: event.evidence, summaryAt: at }) : heard;
      return stay(wait(said, recovery, { event, instance }, at));
    }
    default:
      return assertNever(event.rung);
  }
}

/** An answer renews the lease, whoever asked, and says how long its agent has worked and whether we can be reached. */
function onAnswer(state: CloneState, found: Probed | null, at: Instant): CloneState {
  const heard = withActive(withInstance(state, { answeredAt: at }), found?.activeMs, at);
  return state.recovery?.cause === "silent" ? withCallbackReachability(heard, found, at) : heard;
}

/** The time that a rung was given is over and the instance is not healthy. */
export function onRecoveryDue(state: CloneState, event: Of<"deadline.passed">, at: Instant): Step {
  const { recovery, instance } = state;
  if (!isOpen(recovery) || instance === null || instance.stopping !== null)
    return stay(state, "nothing is being recovered");
  const { cause = recovery.cause, evidence } = event;
  if (cause !== recovery.cause)
    return takeRung(withRecovery(state, { ...recovery, cause, evidence }), "probe", at);
  if (recovery.rung === "probe") return takeRung(state, "reconnect", at);
  return takeRung(state, recovery.rung, at);
}

/** Whether a recovery is under way. */
export function isOpen(recovery: Recovery | null): recovery is Recovery {
  return recovery !== null && recovery.stage !== "over";
}

/** Takes the rung, or the next one on which an attempt is left. */
function takeRung(state: CloneState, wanted: Rung, at: Instant): Step {
  const { recovery, instance } = state;
  if (recovery === null || instance === null) return stay(state);
  let rung = wanted;
  const beyond = isBeyondItsCallback(recovery, instance, at);
  const since = beyond ? at - TRIES_WINDOW_MS : triesSince(recovery, at);
  while (rung !== "restart" && isUsedUp(recovery, rung, since)) rung = above(rung, recovery);
  if (rung === "restart" && beyond)
    return stay(
      withRecovery(state, { ...recovery, rung: "reconnect", stage: "waiting", until: at + AGAIN_DOWN_MS }),
    );
  if (rung === "restart") return restart(state, recovery.evidence, at);
  const asked: Recovery = {
    ...recovery,
    rung,
    stage: "asked",
    rungAt: at,
    until: at + ASKED_MS_MAX,
    tries: [...recent(recovery.tries, since), { rung, cause: recovery.cause, at }],
  };
  return { state: withRecovery(state, asked), effects: [effectOf(rung, instance.epoch, recovery)] };
}

/**
 * It answers its driver, and its reports are read past the callback or its shim tries in vain: what is broken is the way to
 * us, which the next instance would not find either. It works on, and is reconnected as often as that may be tried. One that is paused has
 * nothing to report that could prove as much, and nothing that a restart would not cost: its answer is enough.
 */
function isBeyondItsCallback(
  { cause }: Recovery,
  { callback, answeredAt, paused }: InstanceState,
  at: Instant,
): boolean {
  const answers = answeredAt !== null && Math.abs(at - answeredAt) < TRIES_WINDOW_MS;
  return cause === "silent" && answers && (paused || callback.downSince !== null);
}

function above(rung: Exclude<Rung, "restart">, recovery: Recovery): Rung {
  if (rung === "probe") return "reconnect";
  return rung === "reconnect" && isAgentWrong(recovery) ? "resume" : "restart";
}

/** An agent that was continued and did not come back is started again with the next attempt. */
function effectOf(rung: Exclude<Rung, "restart">, epoch: number, before: Recovery): Effect {
  if (rung !== "resume") return { type: rung, epoch };
  return { type: "revive", epoch, again: before.rung === "resume" && before.stage === "waiting" };
}

function restart(state: CloneState, evidence: string, at: Instant): Step {
  const { recovery } = state;
  if (recovery === null) return stay(state);
  const last: Recovery = { ...recovery, rung: "restart", stage: "asked", rungAt: at, until: null };
  return beginStop(withRecovery(state, last), at, {
    reason: {
      type: "failed",
      signature: `liveness:${recovery.cause}`,
      message: `${CAUSE_TEXT[recovery.cause]}: ${evidence}`,
    },
    enter: "now",
    text: `lost: ${evidence}`,
    trace: "lost",
  });
}

function onProbed(state: CloneState, before: Recovery, event: Of<"recovery.tried">, at: Instant): Step {
  const { found } = event;
  const cause = found === null ? before.cause : causeOf(found, before.cause, state.instance);
  const evidence = found?.evidence ?? event.evidence;
  const recovery: Recovery = { ...before, cause, evidence, found };
  const seen = withRecovery(state, recovery);
  if (found !== null && isDead(found.shim) && (found.agent === "none" || isDead(found.agent)))
    return restart(seen, evidence, at);
  return takeRung(seen, isAgentWrong(recovery) && found?.answers === true ? "resume" : "reconnect", at);
}

/**
 * Nobody waits for this answer: it stands for the heartbeats of an instance whose callback is down, which would have told
 * that its agent was stopped meanwhile, or goes on again.
 */
function onSeenBeyond(state: CloneState, recovery: Recovery, event: Of<"recovery.tried">, at: Instant): Step {
  const { found } = event;
  if (found === null || !found.answers) return stay(state, "its answer is no longer awaited");
  const cause = causeOf(found, "silent", state.instance);
  if (cause === recovery.cause) return stay(state, "its answer is no longer awaited");
  if (cause !== "silent") return onProbed(state, { ...recovery, cause }, event, at);
  const { evidence } = found;
  const silent: Recovery = {
    ...recovery,
    cause,
    evidence,
    found,
    rung: "reconnect",
    until: at + AGAIN_DOWN_MS,
  };
  return stay(withRecovery(state, silent));
}

function causeOf(found: Probed, before: DegradedCause, instance: InstanceState | null): DegradedCause {
  if (found.shim === "stopped") return "shim_stopped";
  const paused = instance === null || instance.paused || instance.pauseAsked !== false;
  if (found.agent === "stopped" && !paused) return "agent_stopped";
  if (isDead(found.agent)) return "agent_gone";
  return before;
}

function isDead(state: Probed["agent"]): boolean {
  return state === "gone" || state === "zombie";
}

function isAgentWrong({ cause }: Recovery): boolean {
  return cause === "agent_stopped" || cause === "agent_gone";
}

/** After an attempt that was made: a heartbeat has to show whether it helped. After one that was refused: once more, soon. */
function wait(
  state: CloneState,
  recovery: Recovery,
  { event, instance }: { event: Of<"recovery.tried">; instance: InstanceState },
  at: Instant,
): CloneState {
  const intervalMs = instance.heartbeatIntervalMs;
  const ms = event.ok ? intervalMs + graceMs(intervalMs) : Math.max(intervalMs / 4, AGAIN_MS_MIN);
  return withRecovery(state, { ...recovery, stage: "waiting", until: at + ms });
}

function fresh(state: CloneState, instance: InstanceState, seen: Degraded, at: Instant): Recovery {
  const before = state.recovery;
  return {
    epoch: instance.epoch,
    cause: seen.cause,
    evidence: seen.evidence,
    startedAt: Math.min(seen.startedAt, at),
    detectedAt: at,
    rung: "probe",
    stage: "asked",
    rungAt: at,
    until: null,
    found: null,
    tries: recent(before?.tries ?? [], at - TRIES_WINDOW_MS),
    recoveredBy: null,
    recoveredAt: null,
  };
}

/** A clock that was put back makes old attempts look new, which at worst means fewer of them. */
function recent(tries: Recovery["tries"], since: Instant): Recovery["tries"] {
  return tries.filter((past) => past.at > since);
}

/** From when attempts count: with a slow cadence the third one may be later than the window allows, and none would ever be the last. */
export function triesSince({ detectedAt }: Recovery, at: Instant): Instant {
  return Math.min(at - TRIES_WINDOW_MS, detectedAt - 1);
}

function isUsedUp(recovery: Recovery, rung: Rung, since: Instant): boolean {
  const { cause } = recovery;
  const made = recent(recovery.tries, since).filter((past) => past.rung === rung && past.cause === cause);
  return made.length >= TRIES_MAX;
}

function withRecovery(state: CloneState, recovery: Recovery): CloneState {
  return { ...state, recovery };
}

/** What the instance's trouble is called in the list of incidents ends here, with what helped and how long it took. */
function endTrouble(state: CloneState, at: Instant, recovery: Recovery | null): CloneState {
  const { mission } = state;
  if (mission === null) return state;
  const ends = (open: { endedAt: Instant | null; class: string }): boolean =>
    open.endedAt === null && TROUBLE.has(open.class);
  if (!mission.incidents.some(ends)) return state;
  const how = recovery === null ? "" : recoveredText(recovery, at);
  return withMission(state, {
    incidents: mission.incidents.map((incident) =>
      ends(incident)
        ? {
            ...incident,
            endedAt: at,
            message: incident.class === "degraded" ? incident.message + how : incident.message,
          }
        : incident,
    ),
  });
}

function recoveredText({ rung, startedAt, detectedAt }: Recovery, at: Instant): string {
  const seconds = (ms: number): string => (Math.max(0, ms) / SECOND_MS).toFixed(1);
  return `; noticed after ${seconds(detectedAt - startedAt)} s, recovered by ${RUNG_TEXT[rung]} after ${seconds(at - detectedAt)} s`;
}

/** Incidents that are over when an instance of the clone is healthy. */
const TROUBLE: ReadonlySet<string> = new Set(["degraded", "heartbeat_lost", "crash", "failed_start"]);

const OVER = { stage: "over", until: null } as const;

export const RUNG_TEXT: Readonly<Record<Rung, string>> = {
  probe: "itself while it was probed",
  reconnect: "reconnecting to its shim",
  resume: "resuming its agent in place",
  restart: "a restart at a higher epoch",
};

export const CAUSE_TEXT: Readonly<Record<DegradedCause, string>> = {
  silent: "no heartbeat",
  shim_stopped: "its shim is stopped",
  agent_stopped: "its agent is stopped although it was not paused",
  agent_gone: "its agent's program is gone",
};
