/** Which question a command answers: the one that is named, or the only one that it can mean, and only as it stood there. */
import { answeredBefore } from "../clone/questions/answers.ts";
import type { CloneState } from "../model/clone-state.ts";
import type { DecisionType } from "../model/request.ts";
import { iso } from "../model/time.ts";
import type { CommandPlace, OpenQuestion, WhatStands } from "./asked.ts";
import { USAGE, type Verb } from "./command.ts";

/** Open questions that a refusal names. */
const NAMED_MAX = 5;

/** A verb, and what it decides. */
export interface Wish {
  readonly verb: Verb;
  readonly type: DecisionType;
}

/** What is asked, if it still is what stood there when that was written. */
export function questionFor(
  { verb, type }: Wish,
  id: string | null,
  place: CommandPlace,
  stands: WhatStands,
): OpenQuestion | string {
  const fits = ({ item }: OpenQuestion): boolean => item.request?.answers.includes(type) === true;
  const question = oneOf({ verb, fits }, id, place, stands);
  if (typeof question === "string") return question;
  return changedSince(question, place, stands) ?? question;
}

export function oneOf(
  { verb, fits }: { readonly verb: Verb; readonly fits: (question: OpenQuestion) => boolean },
  id: string | null,
  { thread }: CommandPlace,
  { open, states }: WhatStands,
): OpenQuestion | string {
  const here = open.filter((one) => one.thread === thread?.key);
  if (id !== null) {
    const found = open.find((one) => one.id === id) ?? here.find((one) => one.short === id);
    if (found !== undefined)
      return fits(found) ? found : `\`/${verb}\` is no answer to ${found.id}; ${commandsOf(found)}`;
    const whole = thread === null || id.startsWith(`${thread.subject}.`) ? id : `${thread.subject}.${id}`;
    return beforeIn(states, whole) ?? `there is no open question ${whole}; ${openText(open)}`;
  }
  if (thread === null)
    return notSo(verb, `it names no question, and this is no thread of one; ${openText(open)}`);
  const fitting = here.filter(fits);
  const [only, another] = fitting;
  if (only === undefined)
    return `nothing in this thread waits for \`/${verb}\`; ${here.length === 0 ? "nothing waits here" : here.map(commandsOf).join("; ")}`;
  if (another === undefined) return only;
  return `${fitting.length} questions in this thread could be meant; say which: ${fitting.map(({ short }) => `\`/${verb} ${short}\``).join(", ")}`;
}

/** Null: it stood there like this when that was written. A second is as exact as forges tell time: within it, nobody can say. */
export function changedSince(
  { id, digest, thread, item }: OpenQuestion,
  { writtenAt }: CommandPlace,
  { shown }: WhatStands,
): string | null {
  const there = shown[thread]?.questions.find((one) => one.id === id);
  if (there === undefined)
    return `${id} did not stand in a thread when that was written; read it there, and say it again`;
  if (there.digest !== digest)
    return `${id} has changed since: there stood "${there.text}", and now it is "${item.message}"; read it, and say it again`;
  if (writtenAt > there.shownAt) return null;
  return there.before === null
    ? `${id} came up at ${iso(there.shownAt)}, and that was written before; read it, and say it again`
    : `${id} has changed at ${iso(there.shownAt)}, after that was written: there stood "${there.before}", and now it is "${there.text}"; read it, and say it again`;
}

function beforeIn(states: ReadonlyMap<string, CloneState>, id: string): string | null {
  for (const state of states.values()) {
    const before = answeredBefore(state, id);
    if (before !== null) return before;
  }
  return null;
}

function openText(open: readonly OpenQuestion[]): string {
  const ids = open.filter(({ item }) => item.request !== undefined).map(({ id }) => id);
  if (ids.length === 0) return "no question is open";
  const more = ids.length > NAMED_MAX ? ` and ${ids.length - NAMED_MAX} more` : "";
  return `open are ${ids.slice(0, NAMED_MAX).join(", ")}${more}`;
}

function commandsOf({ id, commands }: OpenQuestion): string {
  return `${id} takes ${commands.map((command) => `\`${command}\``).join(", ")}`;
}

/** With how it is written. */
export function notSo(verb: Verb, problem: string): string {
  return `${problem}; it is written \`${USAGE[verb]}\``;
}
