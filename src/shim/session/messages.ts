/** What the agent is told on its standard input: each message once to each agent. */

import { MESSAGES_MAX } from "../../core/model/conduct.ts";
import type { AgentInput, Said } from "../agents/agent.ts";

export interface Message {
  readonly id: string;
  readonly from: "operator" | "supervisor";
  readonly text: string;
}

export type Say = (input: AgentInput) => Said;

export interface Messages {
  /** `repeated`: this agent has it already. */
  tell(message: Message, say: Say): "said" | "repeated" | "full" | "closed";
  /** A new agent has taken the place of the one before: people's words are for it as well, nudges are not. */
  tellAgain(say: Say): void;
}

/** Longer ones are refused: a person's answer has fewer characters. */
const MESSAGE_LENGTH_MAX = 10_000;

export function createMessages(): Messages {
  const told = new Set<string>();
  let people: Message[] = [];
  return {
    tell(message, say) {
      if (told.has(message.id)) return "repeated";
      const said = say({ type: "message", ...message });
      if (said !== "said") return said;
      told.add(message.id);
      if (message.from === "operator") people = [...people, message].slice(-MESSAGES_MAX);
      return said;
    },
    tellAgain(say) {
      for (const message of people) say({ type: "message", ...message });
    },
  };
}

/** Of a call's parameters, or null when they are no message. */
export function messageOf(params: Readonly<Record<string, unknown>>): Message | null {
  const { id, from, text } = params;
  if (typeof id !== "string" || typeof text !== "string" || text.length > MESSAGE_LENGTH_MAX) return null;
  return from === "operator" || from === "supervisor" ? { id, from, text } : null;
}
