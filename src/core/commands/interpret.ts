/** What a command asks for, with all that it leaves out taken from where it was written. */
import { BUDGET_FIELDS, type BudgetField } from "../model/request.ts";
import type { ShownThread } from "../model/thread.ts";
import type { Asked, CommandPlace, WhatStands } from "./asked.ts";
import { type Command, isVerb, VERBS, type Verb } from "./command.ts";
import { changedSince, notSo, oneOf, questionFor, type Wish } from "./pick-question.ts";
import { cutId, optionsIn } from "./words.ts";

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
