/**
 * A lane that comes back after the record was lost: what the status branch knew of it, and what of it
 * still lives. From here on it goes its ordinary way; what was under way and is not known to have
 * been done is asked for again.
 */

import type { CloneState, InstanceState } from "../../model/clone-state.ts";
import type { StartGate } from "../../model/condition.ts";
import type { CloneEvent, RestoredInstance } from "../../model/event.ts";
import type { Instant } from "../../model/time.ts";
import { type StoredState, upgradeState } from "../../model/upgrade-state.ts";
import { closeAsUnknown } from "../closing/close.ts";
import { frozenByLoss } from "../conduct/agent-actions.ts";
import { START_DEADLINE_MS } from "../limits.ts";
import { ask, beginStop, enter, type Step, stay, withIncident, withInstance, withMission } from "../step.ts";
import { withDoubtfulDeath, withUsageOf } from "../stop/stop.ts";
import { handOver } from "./handover.ts";
import { newInstance } from "./launch.ts";

type Restored = Extract<CloneEvent, { type: "clone.restored" }>;

export function onRestored(state: CloneState, event: Restored, at: Instant): Step {
  if (state.version > 0) return stay(state, "the record knows this clone already");
  // Written by this program or an older one, and looked at before it was put into the event.
  const known = upgradeState({ ...(event.snapshot as unknown as StoredState), name: state.name });
  const lane = told(
    { ...known, version: 0, recent: [], epoch: Math.max(known.epoch, event.epoch) },
    event,
    at,
  );
  const { instance } = lane;
  const { body } = event;
  if (body !== null && body.epoch === instance?.epoch) return rejoin(lane, instance, event, body, at);
  if (body !== null && body.epoch > known.epoch && isWorthTaking(lane, body))
    return rejoin(...withUnpublished(lane, body, at), event, body, at);
  if (instance !== null) return endWhatIsGone(lane, event, at);
  return goOn(lane, event, at);
}

/**
 * Words that may have been said since the last publication: their ids are numbered, and an instance that heard
 * them must not take the next word of a person for a repeat.
 */
export const WORDS_MARGIN = 1_000;

/** Every mission that was on its lane when the record was lost carries that with it. */
function told(before: CloneState, event: Restored, at: Instant): CloneState {
  const { unproven } = event;
  const state =
    unproven === undefined
      ? before
      : withDoubtfulDeath(before, `an instance of it may live, which is unproven: ${unproven}`, at);
  const { mission } = state;
  if (mission === null) return state;
  const { conduct } = mission;
  const apart = withMission(state, { conduct: { ...conduct, wordsMade: conduct.wordsMade + WORDS_MARGIN } });
  return withIncident(apart, {
    class: "record_lost",
    at,
    startedAt: Math.min(event.asOf, at),
    message: event.evidence,
    over: true,
  });
}

/**
 * An epoch that was begun after the last publication. It is taken for what it is when the lane's
 * mission is open and nothing says that it was given another one.
 */
function isWorthTaking({ mission }: CloneState, body: RestoredInstance): boolean {
  return (
    mission !== null &&
    mission.terminal === null &&
    (body.missionId === mission.missionId || body.missionId === null)
  );
}

function withUnpublished(
  state: CloneState,
  body: RestoredInstance,
  at: Instant,
): [CloneState, InstanceState] {
  const counted = state.instance === null ? state : withUsageOf(state, state.instance);
  const instance = newInstance(state, { epoch: body.epoch, nonce: body.nonce, at });
  const met = new Set(state.gates.filter(({ ok }) => ok).map(({ type }) => type));
  const unknown = PREPARED.filter((type) => !met.has(type));
  const gates: readonly StartGate[] = [
    // One that was not met when that was published was met since.
    ...state.gates.filter(({ type }) => !unknown.includes(type)),
    ...unknown.map((type) => ({
      type,
      ok: true,
      reason: "LaunchedBefore",
      evidence: `epoch ${body.epoch} was launched, which is only done with this gate met; the record of how it was met is lost`,
      at,
    })),
  ];
  return [enter({ ...counted, instance, gates }, "Starting", at, at + START_DEADLINE_MS), instance];
}

/** Runbook 3.2 to 3.4 and 4.1: looked at before an epoch is used up. */
const PREPARED: readonly StartGate["type"][] = [
  "BaselineApplied",
  "OverlayApplied",
  "SecretsVerified",
  "EnvelopeValid",
];

/** Alive: adopted by the next listing, and what it has said since is read from its outbox. Else its end is made sure of first. */
function rejoin(
  state: CloneState,
  instance: InstanceState,
  event: Restored,
  body: RestoredInstance,
  at: Instant,
): Step {
  const joined = withInstance(state, { nonce: body.nonce, handle: null, gapAt: null, cadenceSince: at });
  if (instance.stopping !== null || !body.adopt) return endWhatIsGone(joined, event, at);
  // What held it may be lost with the record, and what it was told with it.
  const lane = withInstance(frozenUnlessTold(joined, event, at), { pauseAsked: null });
  const pull = { type: "pull", epoch: instance.epoch } as const;
  if (lane.phase === "Running") return ask(lane, pull);
  // Handed over again once it is adopted: a shim that has its mission already says so.
  const deadline = instance.readyAt === null ? at + START_DEADLINE_MS : null;
  return ask(enter(lane, "Starting", at, deadline), pull);
}

/** Fenced and ended with proof like any other; what its outbox holds, if there is one, is taken first. It was not its fault. */
function endWhatIsGone(state: CloneState, event: Restored, at: Instant): Step {
  const { instance, mission } = state;
  if (instance === null) return stay(state);
  // Nobody measured it from then on.
  const stopped =
    mission === null || mission.activeSince === null
      ? state
      : {
          ...state,
          mission: {
            ...mission,
            activeMs: mission.activeMs + Math.max(0, event.asOf - mission.activeSince),
            activeSince: null,
          },
        };
  return beginStop(frozenUnlessTold(stopped, event, at), at, {
    reason: instance.stopping ?? { type: "replaced", message: "it did not outlive the loss of the record" },
    enter: "now",
    text: `the record was lost: ${event.evidence}`,
  });
}

/** Nothing lived. What was asked for and may not have been done is asked for again. */
function goOn(state: CloneState, event: Restored, at: Instant): Step {
  const { mission } = state;
  // It went to the in-core lane, and nobody knows whether that has it: asking twice is answered once.
  if (mission !== null && mission.handover !== null && mission.terminal === null)
    return ask(state, handOver(mission, mission.handover));
  switch (state.phase) {
    case "Preparing":
      return stay(frozenUnlessTold(enter(state, "Idle", at), event, at));
    case "Judging":
      if (mission === null) return stay(enter(state, "Idle", at));
      return event.workspace
        ? ask(enter(state, "Judging", at), { type: "judge", missionId: mission.missionId })
        : closeAsUnknown(
            state,
            at,
            "it had completed, and its outputs were lost with the disk before they were judged",
          );
    case "Retired": {
      const last = state.past.at(-1);
      return last !== undefined && last.archivedAt === null && event.workspace
        ? ask(state, { type: "archive", missionId: last.missionId })
        : stay(state);
    }
    default:
      return stay(frozenUnlessTold(state, event, at));
  }
}

/** A ledger that may lack something lets nobody act before a person has looked. */
function frozenUnlessTold(state: CloneState, { witnessed, asOf }: Restored, at: Instant): CloneState {
  return witnessed === true ? state : frozenByLoss(state, asOf, at);
}
