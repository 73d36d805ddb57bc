/** From a planned start to an accepted mission: runbook 3.1 to 4.4. */
import { doubledMs } from "../../model/backoff.ts";
import { FRESH_CALLBACK } from "../../model/callback.ts";
import type { CloneState, InstanceState, MissionState } from "../../model/clone-state.ts";
import type { StartGate } from "../../model/condition.ts";
import { sha256Hex } from "../../model/digest.ts";
import type { CloneEvent } from "../../model/event.ts";
import type { Hold } from "../../model/hold.ts";
import { type Instant, iso } from "../../model/time.ts";
import { heartbeatMs } from "../health/liveness.ts";
import { isOpen } from "../health/recovery-ladder.ts";
import { ACCEPT_DEADLINE_MS, GATE_RETRY_MAX_MS, GATE_RETRY_MS, START_DEADLINE_MS } from "../limits.ts";
import { limitsText, tellLimits } from "../spending/held-limits.ts";
import {
  ask,
  beginStop,
  enter,
  type Step,
  stay,
  withGates,
  withHold,
  withInstance,
  withMission,
} from "../step.ts";
import { askToGoOn, askToPause, cutGrace } from "../stop/pause.ts";

type Of<T extends CloneEvent["type"]> = Extract<CloneEvent, { type: T }>;

export function onStartPlanned(state: CloneState, at: Instant): Step {
  if (state.phase !== "Idle") return stay(state, `it is ${state.phase}`);
  if (state.mission === null || state.mission.terminal !== null)
    return stay(state, "there is nothing to start for");
  if (state.mission.handover !== null) return stay(state, "it was offered to the in-core lane");
  if (state.spec === null || state.withdrawn || state.holds.length > 0) return stay(state, "it is held");
  return ask(enter(state, "Preparing", at), { type: "prepare" });
}

/** All gates met: an epoch is used up. Otherwise a hold says which gate, and when it is looked at again. */
export function onPrepareFinished(state: CloneState, { gates }: Of<"prepare.finished">, at: Instant): Step {
  if (state.phase !== "Preparing") return stay(state, `it is ${state.phase}`);
  const checked = withGates(state, gates);
  const unmet = gates.find((gate) => !gate.ok);
  if (unmet !== undefined) return stay(holdAtGate(checked, unmet, at));
  if (checked.holds.length > 0) return stay(enter(checked, "Idle", at));
  return plannedInstance({ ...checked, gateAttempts: 0 }, at);
}

/**
 * The launch intent: epoch and nonce are on record before anything is
 * started, so that whatever comes up can be told to be ours, and which.
 */
function plannedInstance(state: CloneState, at: Instant): Step {
  const epoch = state.epoch + 1;
  const nonce = sha256Hex(`${state.name}/${epoch}/${at}/${state.mission?.missionId ?? ""}`).slice(0, 32);
  const next: CloneState = {
    ...enter(state, "Starting", at, at + START_DEADLINE_MS),
    epoch,
    appliedDigest: state.spec?.digest ?? null,
    drift: null,
    instance: { ...newInstance(state, { epoch, nonce, at }), limitsTold: limitsText(state) },
  };
  const first = state.mission?.firstLaunchAt ?? at;
  return ask(withMission(next, { firstLaunchAt: first }), { type: "launch", epoch, nonce });
}

/** An instance of which nothing is known yet but that it is meant to be. */
export function newInstance(
  state: CloneState,
  { epoch, nonce, at }: { readonly epoch: number; readonly nonce: string; readonly at: Instant },
): InstanceState {
  return {
    epoch,
    nonce,
    handle: null,
    plannedAt: at,
    readyAt: null,
    dispatchedAt: null,
    acceptedAt: null,
    health: isOpen(state.recovery) ? "recovering" : "starting",
    healthSince: at,
    healthEvidence: "launch intent recorded",
    lastSeq: 0,
    gapAt: null,
    callback: FRESH_CALLBACK,
    heartbeatIntervalMs: heartbeatMs(state),
    cadenceSince: at,
    pauseAsked: false,
    paused: false,
    resumedAt: null,
    answeredAt: null,
    activeMs: null,
    activeBaseMs: 0,
    grace: null,
    pauseAskedAt: null,
    pausedAt: null,
    settled: null,
    limitsTold: null,
    llmCalls: null,
    costMicros: null,
    stopping: null,
    stopAttempts: 0,
    trace: null,
  };
}

export function onLaunched(state: CloneState, event: Of<"instance.launched">, at: Instant): Step {
  if (state.instance?.epoch !== event.epoch) return stay(state, `epoch ${event.epoch} is over`);
  const { handle } = event;
  const armed: StartGate = {
    type: "KillSwitchArmed",
    ok: true,
    reason: "HandleOnRecord",
    evidence: `driver ${handle.driver}, epoch ${handle.epoch}, containment ${handle.containment}`,
    at,
  };
  const launched = withGates(withInstance(state, { handle }), [armed]);
  // The cadence was changed while it came up.
  return heartbeatMs(state) === state.instance.heartbeatIntervalMs
    ? stay(launched)
    : ask(launched, { type: "configure", epoch: event.epoch });
}

export function onLaunchFailed(state: CloneState, event: Of<"instance.launch_failed">, at: Instant): Step {
  if (state.instance?.epoch !== event.epoch) return stay(state, `epoch ${event.epoch} is over`);
  const failed: StartGate = {
    type: "KillSwitchArmed",
    ok: false,
    reason: "LaunchFailed",
    evidence: event.message,
    at,
  };
  return beginStop(withGates(state, [failed]), at, {
    reason: {
      type: "failed",
      signature: `launch:${event.code}`,
      message: event.message,
      permanent: event.permanent,
    },
    enter: "now",
    text: `launch failed: ${event.message}`,
  });
}

/** The shim has it. Only said again: the moment that counts is the one at which it was handed out. */
export function onDispatched(state: CloneState, event: Of<"dispatch.finished">): Step {
  if (state.instance?.epoch !== event.epoch) return stay(state, `epoch ${event.epoch} is over`);
  return stay(state);
}

export function onDispatchFailed(state: CloneState, event: Of<"dispatch.failed">, at: Instant): Step {
  if (state.instance?.epoch !== event.epoch || state.phase !== "Dispatching")
    return stay(state, `epoch ${event.epoch} is over`);
  return beginStop(state, at, {
    reason: { type: "failed", signature: "dispatch", message: event.message },
    enter: "now",
    text: `dispatch failed: ${event.message}`,
  });
}

/**
 * The steps that a state allows by itself, whatever event led to it: dispatch
 * once ready and free of holds, tell the shim what the limits are, and keep the agent paused exactly while something holds it.
 */
export function advance(state: CloneState, at: Instant): Step {
  const { instance, mission } = state;
  if (instance === null || instance.stopping !== null || mission === null || mission.terminal !== null)
    return stay(state);
  const told = tellLimits(state);
  const next = nextStep(told.state, instance, mission, at);
  return { ...next, effects: [...told.effects, ...next.effects] };
}

function nextStep(state: CloneState, instance: InstanceState, mission: MissionState, at: Instant): Step {
  const held = state.holds.length > 0;
  if (state.phase === "Starting" && instance.readyAt !== null && instance.handle !== null && !held) {
    const handed = withMission(withInstance(state, { dispatchedAt: at }), {
      dispatchedAt: mission.dispatchedAt ?? at,
    });
    return ask(enter(handed, "Dispatching", at, at + ACCEPT_DEADLINE_MS), {
      type: "dispatch",
      epoch: instance.epoch,
    });
  }
  if (state.phase === "Running" && held !== instance.pauseAsked) {
    return held ? askToPause(state, instance.epoch, at) : askToGoOn(state, instance.epoch);
  }
  return cutGrace(state, at) ?? stay(state);
}

/** Places the hold `gate`, which ends by itself after a delay that doubles with every attempt. */
function holdAtGate(state: CloneState, gate: StartGate, at: Instant): CloneState {
  const delay = doubledMs(GATE_RETRY_MS, state.gateAttempts, GATE_RETRY_MAX_MS);
  const hold: Hold = {
    kind: "gate",
    owner: "supervisor",
    since: at,
    reason: gate.reason,
    message: `${gate.type} is not met: ${gate.evidence}; looked at again at ${iso(at + delay)}`,
    clearBy: "supervisor",
    until: at + delay,
  };
  return enter({ ...withHold(state, hold), gateAttempts: state.gateAttempts + 1 }, "Idle", at);
}
