/** What people may write in comments, and what each of it asks of the controller. */

/** One line of a comment that begins with `/`. */
export interface Command {
  /** As it was written, at most `COMMAND_CHARS_MAX` characters. */
  readonly text: string;
  /** What stands behind the `/`, in small letters; it may be none of `VERBS`. */
  readonly verb: string;
  /** What follows, without the space around it. */
  readonly rest: string;
}

export const VERBS = [
  "plan",
  "approve",
  "deny",
  "stop",
  "raise-budget",
  "go-on",
  "answer",
  "ack",
  "pause",
  "resume",
  "kill",
  "retire",
  "standby",
  "template",
] as const;
export type Verb = (typeof VERBS)[number];

export function isVerb(word: string): word is Verb {
  return (VERBS as readonly string[]).includes(word);
}

/** How each is written. */
export const USAGE: Readonly<Record<Verb, string>> = {
  plan: "/plan",
  approve: "/approve [question] [reason]",
  deny: "/deny [question] [reason]",
  stop: "/stop [question] [reason]",
  "raise-budget": "/raise-budget [question] max_cost_usd=<number>",
  "go-on": "/go-on [question] [reason]",
  answer: "/answer [question] <text for the agent>",
  ack: "/ack [question]",
  pause: "/pause [mission] [--reason <text>]",
  resume: "/resume [mission] [--reason <text>]",
  kill: "/kill [mission] [--now] [--reason <text>]",
  retire: "/retire [mission] [--reason <text>]",
  standby: "/standby [mission] [--reason <text>]",
  template: "/template [mission] [--reason <text>]",
};
