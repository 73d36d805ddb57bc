/** What a command asks for, with all that it leaves out taken from where it was written. */
import { answeredBefore } from "../clone/questions/answers.ts";
import type { CloneState } from "../model/clone-state.ts";
import { BUDGET_FIELDS, type BudgetField, type DecisionType } from "../model/request.ts";
import { type Instant, iso } from "../model/time.ts";
import type { ShownThread } from "../model/thread.ts";
import type { Question } from "../threads/questions.ts";
import { type Command, isVerb, USAGE, VERBS, type Verb } from "./command.ts";
import { cutWord, optionsIn, QUESTION_ID } from "./words.ts";

/** An operation of the table (`src/api/operations`) with what it is given, or a new plan of a pull request. */
export type Asked =
  | {
      readonly operation: "decide";
      readonly input: {
        readonly id: string;
        readonly decision: DecisionType;
        readonly budget?: Readonly<Partial<Record<BudgetField, number>>>;
        readonly reason: string;
      };
    }
  | { readonly operation: "acknowledge"; readonly input: { readonly id: string } }
  | {
      readonly operation: "pause" | "resume";
      readonly input: { readonly name: string; readonly reason: string };
    }
  | {
      readonly operation: "kill";
      readonly input: { readonly name: string; readonly reason: string; readonly now: boolean };
    }
  | { readonly operation: "message"; readonly input: { readonly name: string; readonly text: string } }
  | {
      readonly operation: "decideClosure";
      readonly input: {
        readonly name: string;
        readonly decision: "retire" | "standby" | "template";
        readonly reason: string;
      };
    }
  | { readonly operation: "plan"; readonly input: { readonly number: number } };

export interface CommandPlace {
  /** Number of the issue or pull request. */
  readonly on: number;
  /** By the forge's clock. */
  readonly writtenAt: Instant;
  /** The thread that this is, with its key; null: it is none. */
  readonly thread: (ShownThread & { readonly key: string }) | null;
}

export interface WhatStands {
  /** Open questions, with the key of their thread. */
  readonly open: readonly OpenQuestion[];
  /** As it stands on the forge, by key. */
  readonly shown: Readonly<Record<string, ShownThread>>;
  readonly states: ReadonlyMap<string, CloneState>;
  /** The lane that a name means; null: nobody is called so. */
  readonly lane: (name: string) => CloneState | null;
}

export interface OpenQuestion extends Question {
  readonly thread: string;
}

/** Open questions that a refusal names. */
const NAMED_MAX = 5;

/** A sentence: why it is not obeyed, and what would be right. */
export function interpret(command: Command, place: CommandPlace, stands: WhatStands): Asked | string {
  const { verb, rest } = command;
  if (!isVerb(verb))
    return `there is no command \`/${verb}\`; these are: ${VERBS.map((known) => `\`/${known}\``).join(", ")}`;
  switch (verb) {
    case "plan":
      return rest === ""
        ? { operation: "plan", input: { number: place.on } }
        : notSo(verb, `\`${rest}\` is too much`);
    case "approve":
    case "deny":
    case "stop":
      return decide({ verb, type: verb }, rest, place, stands);
    case "go-on":
      return decide({ verb, type: "go_on" }, rest, place, stands);
    case "answer":
      return answer(rest, place, stands);
    case "raise-budget":
      return raise(rest, place, stands);
    case "ack":
      return acknowledge(rest, place, stands);
    case "pause":
    case "resume":
    case "kill":
      return orderLane(verb, rest, place, stands);
    case "retire":
    case "standby":
    case "template":
      return decideClosure(verb, rest, place, stands);
  }
}

interface Wish {
  readonly verb: Verb;
  readonly type: DecisionType;
}

function decide(wish: Wish, rest: string, place: CommandPlace, stands: WhatStands): Asked | string {
  const { id, others } = cutId(rest);
  const question = questionFor(wish, id, place, stands);
  if (typeof question === "string") return question;
  return { operation: "decide", input: { id: question.id, decision: wish.type, reason: others } };
}

function raise(rest: string, place: CommandPlace, stands: WhatStands): Asked | string {
  const wish: Wish = { verb: "raise-budget", type: "raise" };
  const { id, others } = cutId(rest);
  const budget: Partial<Record<BudgetField, number>> = {};
  const reason: string[] = [];
  for (const word of others.split(/\s+/).filter((one) => one !== "")) {
    const [, field = "", value = ""] = /^([A-Za-z_]+)=(.*)$/.exec(word) ?? [];
    if (field === "") {
      reason.push(word);
      continue;
    }
    const known = BUDGET_FIELDS.find((one) => one === field);
    const number = Number(value);
    if (known === undefined)
      return notSo(wish.verb, `\`${field}\` is no limit; these are: ${BUDGET_FIELDS.join(", ")}`);
    if (value === "" || !Number.isFinite(number) || number <= 0)
      return notSo(wish.verb, `\`${word}\` has no number above 0`);
    budget[known] = number;
  }
  if (Object.keys(budget).length === 0) return notSo(wish.verb, "it says no new limit");
  const question = questionFor(wish, id, place, stands);
  if (typeof question === "string") return question;
  return {
    operation: "decide",
    input: { id: question.id, decision: "raise", budget, reason: reason.join(" ") },
  };
}

/** To the question that waits for it, else to the agent of the thread's mission, as `factory message` does. */
function answer(rest: string, place: CommandPlace, stands: WhatStands): Asked | string {
  const wish: Wish = { verb: "answer", type: "go_on" };
  const { id, others: text } = cutId(rest);
  if (text === "") return notSo(wish.verb, "it says nothing");
  const { thread } = place;
  const asks = stands.open.some(
    (one) => one.thread === thread?.key && one.item.request?.answers.includes("go_on") === true,
  );
  if (id === null && thread !== null && !asks) {
    const over = runIsOver(thread, stands);
    return over ?? { operation: "message", input: { name: thread.subject, text } };
  }
  const question = questionFor(wish, id, place, stands);
  if (typeof question === "string") return question;
  return { operation: "decide", input: { id: question.id, decision: "go_on", reason: text } };
}

function acknowledge(rest: string, place: CommandPlace, stands: WhatStands): Asked | string {
  const { id, others } = cutId(rest);
  if (others !== "") return notSo("ack", `\`${others}\` is no question`);
  const question = oneOf(
    { verb: "ack", fits: ({ item }) => item.request !== undefined && item.request.acknowledged === null },
    id,
    place,
    stands,
  );
  return typeof question === "string" ? question : { operation: "acknowledge", input: { id: question.id } };
}

function orderLane(
  verb: "pause" | "resume" | "kill",
  rest: string,
  place: CommandPlace,
  stands: WhatStands,
): Asked | string {
  const said = optionsIn(rest, verb === "kill" ? ["now"] : []);
  if (typeof said === "string") return notSo(verb, said);
  const name = subjectFor(verb, said.words, place, stands);
  if (typeof name !== "object") return name;
  const { reason } = said;
  return verb === "kill"
    ? { operation: verb, input: { ...name, reason, now: said.flags.includes("now") } }
    : { operation: verb, input: { ...name, reason } };
}

function decideClosure(
  verb: "retire" | "standby" | "template",
  rest: string,
  place: CommandPlace,
  stands: WhatStands,
): Asked | string {
  const said = optionsIn(rest, []);
  if (typeof said === "string") return notSo(verb, said);
  const named = said.words[0] ?? place.thread?.subject;
  if (said.words.length > 1) return notSo(verb, `\`${said.words.slice(1).join(" ")}\` is too much`);
  if (named === undefined) return notSo(verb, "it names no mission, and this is no thread of one");
  const question = stands.open.find(
    (one) =>
      one.item.kind === "closure" &&
      (said.words.length === 0 ? one.thread === place.thread?.key : one.item.subject === named),
  );
  if (question === undefined)
    return `nothing is to be decided about the clone of ${named}: it is not closed, or that was decided; \`factory closure ${named}\` shows it`;
  return (
    changedSince(question, place, stands) ?? {
      operation: "decideClosure",
      input: { name: question.item.subject, decision: verb, reason: said.reason },
    }
  );
}

/** The mission or clone that is meant. */
function subjectFor(
  verb: Verb,
  words: readonly string[],
  { thread }: CommandPlace,
  stands: WhatStands,
): { readonly name: string } | string {
  const [named, ...more] = words;
  if (more.length > 0)
    return notSo(verb, `\`${more.join(" ")}\` is too much; a reason stands behind --reason`);
  if (named !== undefined)
    return stands.lane(named) === null
      ? notSo(verb, `there is no mission or clone named \`${named}\`; a reason stands behind --reason`)
      : { name: named };
  if (thread === null) return notSo(verb, "it names no mission, and this is no thread of one");
  return runIsOver(thread, stands) ?? { name: thread.subject };
}

/** Whoever writes in the thread of one run means that run. */
function runIsOver({ subject, clone, missionId }: ShownThread, stands: WhatStands): string | null {
  const state = stands.states.get(clone);
  if (missionId === null || state?.mission?.missionId === missionId) return null;
  return `the run of ${subject} that this thread is about is over; name the mission if you mean what runs there now`;
}

/** What is asked, if it still is what stood there when that was written. */
function questionFor(
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

function oneOf(
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
function changedSince(
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

function cutId(rest: string): { readonly id: string | null; readonly others: string } {
  const { word, others } = cutWord(rest);
  return QUESTION_ID.test(word) ? { id: word, others } : { id: null, others: rest };
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

function notSo(verb: Verb, problem: string): string {
  return `${problem}; it is written \`${USAGE[verb]}\``;
}
