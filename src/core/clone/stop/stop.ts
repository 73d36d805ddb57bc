/** The end of an instance: proof of death, and what comes after it. */

import type { CloneState, InstanceState, StopReason } from "../../model/clone-state.ts";
import type { CloneEvent } from "../../model/event.ts";
import { DEATH_UNPROVEN } from "../../model/hold.ts";
import type { DeathProof } from "../../model/instance.ts";
import { type Instant, iso } from "../../model/time.ts";
import { closeWithoutVerdict } from "../closing/close.ts";
import { afterBurial, isOpen } from "../health/recovery-ladder.ts";
import { RESOURCE_SIGNATURE, STOP_RETRY_MS } from "../limits.ts";
import { stopMeter, withActive } from "../spending/active-time.ts";
import { judgeFailure, wasStable } from "../start/restart.ts";
import {
  ask,
  endIncidents,
  enter,
  type Step,
  stay,
  withHold,
  withIncident,
  withInstance,
  withMission,
  withoutHolds,
} from "../step.ts";
import { traceOf } from "./trace.ts";

type Of<T extends CloneEvent["type"]> = Extract<CloneEvent, { type: T }>;

export function onStopFinished(state: CloneState, event: Of<"stop.finished">, at: Instant): Step {
  const { instance } = state;
  if (instance === null || instance.epoch !== event.epoch || instance.stopping === null) {
    return stay(state, `epoch ${event.epoch} is over`);
  }
  // Nothing of it lives any more, so the freeze that an earlier attempt caused is over.
  const thawed = endIncidents(
    withoutHolds(state, (hold) => hold.kind === "freeze" && hold.reason === "Survivors"),
    ["survivors", "runaway", "overspent", "callback_gap", "callback_down"],
    at,
  );
  const doubted = withDoubt(thawed, event, at);
  const goesOn = thawed.mission?.terminal === null && instance.stopping.type === "failed";
  const buried = afterBurial(
    bury(withActive(doubted, event.activeMs, at), instance, event.proof, at),
    goesOn,
    at,
  );
  const next =
    buried.mission?.terminal != null
      ? afterMission(buried, at)
      : afterDeath(buried, instance, instance.stopping, at);
  return { ...next, effects: [...traceOf(state, next.state, instance), ...next.effects] };
}

/** Nothing is found of it, and nobody can know that nothing lives: nothing takes its place until a person says so. */
function withDoubt(state: CloneState, { epoch, proof }: Of<"stop.finished">, at: Instant): CloneState {
  const { unproven } = proof;
  if (unproven === undefined) return state;
  const message = `epoch ${epoch} has ended, and its death is unproven: ${unproven}; looked at: ${proof.evidence}`;
  return withDoubtfulDeath(state, message, at);
}

/** Something of the lane's may live: an incident, and a hold that only a person lifts. */
export function withDoubtfulDeath(state: CloneState, message: string, at: Instant): CloneState {
  const told = withIncident(state, { class: "unproven_death", at, message, over: true });
  return withHold(told, {
    kind: "freeze",
    owner: DOUBT_OWNER,
    since: at,
    reason: DEATH_UNPROVEN,
    message,
    clearBy: "operator",
  });
}

/** Of its own: what freezes the lane for another reason is lifted for another reason. */
const DOUBT_OWNER = "supervisor:death";

/** Without proof nothing may replace it: the lane is frozen, a person is told, and the stop is tried again. */
export function onStopFailed(state: CloneState, event: Of<"stop.failed">, at: Instant): Step {
  const { instance } = state;
  if (instance === null || instance.epoch !== event.epoch || instance.stopping === null) {
    return stay(state, `epoch ${event.epoch} is over`);
  }
  const counted = withInstance(enter(state, "Stopping", at, at + STOP_RETRY_MS), {
    stopAttempts: instance.stopAttempts + 1,
  });
  const told =
    instance.stopAttempts === 0
      ? withIncident(counted, { class: "survivors", at, message: event.message })
      : counted;
  return stay(
    withHold(told, {
      kind: "freeze",
      owner: "supervisor",
      since: at,
      reason: "Survivors",
      message: `epoch ${event.epoch} could not be proven dead: ${event.message}; tried again at ${iso(at + STOP_RETRY_MS)}`,
      clearBy: "supervisor",
    }),
  );
}

function bury(state: CloneState, instance: InstanceState, proof: DeathProof, at: Instant): CloneState {
  const counted = withUsageOf(stopMeter(state, at), instance);
  return { ...withMission(counted, { proof }), instance: null };
}

/** What an instance that is over has used is the mission's and the clone's from now on. */
export function withUsageOf(before: CloneState, instance: InstanceState): CloneState {
  const { mission, spent } = before;
  const state: CloneState = {
    ...before,
    spent: {
      llmCalls: spent.llmCalls + (instance.llmCalls ?? 0),
      costMicros: spent.costMicros + (instance.costMicros ?? 0),
    },
  };
  if (mission === null || instance.acceptedAt === null) return state;
  const add = (base: number | null, own: number | null): number | null =>
    base === null || own === null ? null : base + own;
  return withMission(state, {
    llmCalls: add(mission.llmCalls, instance.llmCalls),
    costMicros: add(mission.costMicros, instance.costMicros),
  });
}

function afterMission(state: CloneState, at: Instant): Step {
  const { mission } = state;
  if (mission?.terminal?.status !== "completed") return closeWithoutVerdict(state, at);
  return ask(enter(state, "Judging", at), { type: "judge", missionId: mission.missionId });
}

function afterDeath(state: CloneState, instance: InstanceState, reason: StopReason, at: Instant): Step {
  if (state.withdrawn && state.mission === null) return stay(enter(state, "Retired", at));
  if (reason.type !== "failed") return stay(enter(state, "Idle", at));
  const failure = { at, epoch: instance.epoch, signature: reason.signature, message: reason.message };
  const verdict = judgeFailure(state, failure, {
    stable: wasStable(instance.acceptedAt, at, state.spec?.restart),
    permanent: reason.permanent === true ? (reason.refusal ?? "LaunchRefused") : null,
  });
  const told = withIncident(
    { ...state, failures: verdict.failures, lastFailure: reason.message },
    {
      class: incidentClass(instance, reason.signature),
      at,
      ...(isOpen(state.recovery) ? { startedAt: state.recovery.startedAt } : {}),
      message: `epoch ${instance.epoch}: ${reason.message}`,
    },
  );
  if (verdict.type === "restart") {
    const counted = withMission(told, { restarts: (told.mission?.restarts ?? 0) + 1 });
    return stay(enter(counted, "BackingOff", at, at + verdict.delayMs));
  }
  const held = withHold(told, {
    kind: "quarantine",
    owner: "supervisor",
    since: at,
    reason: verdict.reason,
    message: verdict.message,
    clearBy: "anyone",
  });
  const quarantined = afterBurial(held, false, at);
  return stay(
    enter(
      withIncident(quarantined, { class: "quarantine", at, message: verdict.message }),
      "Quarantined",
      at,
    ),
  );
}

function incidentClass(
  instance: InstanceState,
  signature: string,
): "heartbeat_lost" | "crash" | "failed_start" | "resource_exceeded" {
  if (signature.startsWith(RESOURCE_SIGNATURE)) return "resource_exceeded";
  if (signature === "heartbeat" || signature.startsWith("liveness:")) return "heartbeat_lost";
  return instance.acceptedAt === null ? "failed_start" : "crash";
}
