/** Words to an agent: our nudges, and what people answer. */

import type { Actor } from "../../model/actor.ts";
import type { CloneState } from "../../model/clone-state.ts";
import type { Message } from "../../model/conduct.ts";
import { MESSAGES_MAX } from "../../model/conduct.ts";
import type { Effect } from "../../model/effect.ts";
import type { CloneEvent } from "../../model/event.ts";
import type { Instant } from "../../model/time.ts";
import { MESSAGE_MAX } from "../limits.ts";
import { ask, type Step, stay, withMission } from "../step.ts";

type Of<T extends CloneEvent["type"]> = Extract<CloneEvent, { type: T }>;

/** A nudge of ours: for this instance alone, and of no use to the next one. */
export function nudgeAgent(state: CloneState, text: string): Step {
  const { mission, instance } = state;
  if (mission === null || instance === null) return stay(state, "there is no agent to tell");
  const { id, next } = numbered(state, mission.missionId);
  return ask(next, { type: "message", epoch: instance.epoch, id, from: "supervisor", text });
}

/**
 * Says something to the agent for a person. It belongs to the mission: an agent
 * that is not there yet, or that is started anew, is told when it has accepted.
 */
export function sendMessage(state: CloneState, word: { by: Actor; text: string }, at: Instant): Step {
  const { mission } = state;
  if (mission === null) return stay(state, "there is no mission");
  const { id, next } = numbered(state, mission.missionId);
  const message: Message = {
    id,
    by: word.by,
    text: word.text.slice(0, MESSAGE_MAX),
    at,
    toldEpoch: null,
  };
  const conduct = next.mission?.conduct ?? mission.conduct;
  const kept = withMission(next, {
    // Whatever an agent does from here on, it does after a person has spoken.
    conduct: { ...conduct, nudge: null, messages: [...conduct.messages, message].slice(-MESSAGES_MAX) },
  });
  return { state: kept, effects: tellOf(kept, [message]) };
}

/** What people said to this mission's agent so far, for the instance that has just accepted. */
export function resendMessages(state: CloneState): readonly Effect[] {
  return tellOf(state, state.mission?.conduct.messages ?? []);
}

/** Sent by a person, outside of any question. */
export function onMessageSent(state: CloneState, event: Of<"message.sent">, at: Instant): Step {
  const { mission } = state;
  if (mission === null || mission.terminal !== null) return stay(state, "there is no mission to talk to");
  return sendMessage(
    withMission(state, { interventions: mission.interventions + 1 }),
    { by: event.by, text: event.text },
    at,
  );
}

export function onMessageDelivered(state: CloneState, event: Of<"message.delivered">): Step {
  const { mission } = state;
  const told = mission?.conduct.messages.find(({ id }) => id === event.id);
  if (mission == null || told === undefined) return stay(state);
  const messages = mission.conduct.messages.map((message) =>
    message === told ? { ...message, toldEpoch: event.epoch } : message,
  );
  return stay(withMission(state, { conduct: { ...mission.conduct, messages } }));
}

function tellOf(state: CloneState, messages: readonly Message[]): readonly Effect[] {
  const { instance } = state;
  if (instance === null || instance.stopping !== null || state.phase !== "Running") return [];
  return messages.map(({ id, text }) => ({
    type: "message",
    epoch: instance.epoch,
    id,
    from: "operator",
    text,
  }));
}

function numbered(state: CloneState, missionId: string): { id: string; next: CloneState } {
  const { mission } = state;
  const n = (mission?.conduct.wordsMade ?? 0) + 1;
  const next =
    mission === null ? state : withMission(state, { conduct: { ...mission.conduct, wordsMade: n } });
  return { id: `${missionId}/${n}`, next };
}
