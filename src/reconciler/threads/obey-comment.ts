/** One comment: what it commands is done once, recorded with its address, and answered there. */

import type { CommandPlace, WhatStands } from "../../core/commands/asked.ts";
import type { Command } from "../../core/commands/command.ts";
import { isVerb } from "../../core/commands/command.ts";
import { interpret } from "../../core/commands/interpret.ts";
import { parseComment } from "../../core/commands/parse.ts";
import { answerText, type CommandResult, refusalText } from "../../core/commands/result.ts";
import type { Actor } from "../../core/model/actor.ts";
import { sha256Hex } from "../../core/model/digest.ts";
import { asFactoryError } from "../../core/model/error.ts";
import type { ShownThread } from "../../core/model/thread.ts";
import type { Forge, ForgeComment } from "../../ports/forge.ts";
import type { Log } from "../../ports/log.ts";
import type { Receipt, Store } from "../../ports/store.ts";
import type { Recorder } from "../record/recorder.ts";
import type { Entitlement } from "./entitled.ts";
import { carryOut, leastRoleFor, type Ordered, type OrderHandlers, roleFor } from "./order.ts";
import { withReceipt } from "./with-receipt.ts";

export interface ObeyParts {
  readonly forge: Forge;
  readonly store: Pick<Store, "receipt">;
  readonly recorder: Recorder;
  /** The same operations as over HTTP, recorded through what they are given. */
  readonly handlers: (recorder: Recorder) => OrderHandlers;
  readonly entitlement: Entitlement;
  /** As it is at this moment. */
  readonly stands: () => WhatStands;
  readonly threadOn: (number: number) => (ShownThread & { readonly key: string }) | null;
  /** Has a pull request planned once more; a sentence. */
  readonly planAgain: (number: number) => string;
  /** Whether one more stranger may be answered: what nobody may ask for costs us requests. */
  readonly answersStranger: () => boolean;
  readonly log: Log;
}

/** What is to be written under a comment. */
export interface Answering {
  readonly comment: ForgeComment;
  readonly text: string;
  readonly ok: boolean;
}

/**
 * Safe to repeat, whatever was cut off: each command leaves a receipt in the transaction that records what it did, and the answer is kept
 * before it is written. Null: nothing is to be answered, because it was, or because it commands nothing, or nobody who is heard.
 */
export async function obeyComment(
  parts: ObeyParts,
  comment: ForgeComment,
  signal: AbortSignal,
): Promise<Answering | null> {
  const { store, entitlement } = parts;
  const { commands, problem } = parseComment(comment.body);
  if (commands.length === 0 && problem === null) return null;
  if (comment.authorIs === "program" && !entitlement.isNamed(comment.author)) return null;
  const place: CommandPlace = {
    on: comment.on,
    writtenAt: comment.createdAt,
    thread: parts.threadOn(comment.on),
  };
  // Elsewhere people speak with others, who may have commands of their own.
  const known = commands.some(({ verb }) => isVerb(verb)) && entitlement.declared;
  if (place.thread === null && !known) return null;
  if ((await store.receipt(toldKey(comment))) !== null) return null;
  const kept = await store.receipt(answerKey(comment));
  const answer =
    kept === null ? await obeyed(parts, { comment, commands, problem, place }, signal) : read(kept);
  return answer === null ? null : { comment, ...answer };
}

/** Found again by its marker, and written once. */
export async function tell(
  { forge, recorder, log }: Pick<ObeyParts, "forge" | "recorder" | "log">,
  { comment, text, ok }: Answering,
  signal: AbortSignal,
): Promise<void> {
  try {
    await forge.ensureComment(
      { on: comment.on, marker: `answer/${comment.id}`, key: "answer", body: text, since: comment.createdAt },
      signal,
    );
    await forge.ensureReaction({ comment: comment.id, reaction: ok ? "done" : "refused" }, signal);
  } catch (error) {
    const { disposition, message } = asFactoryError(error);
    if (disposition !== "stall" || signal.aborted) throw error;
    // A thread that is locked, or gone: what was recorded stands.
    log.warn("a comment was heard and cannot be answered", { url: comment.url, message });
  }
  await recorder.putReceipts([receiptOf(toldKey(comment), comment, "")]);
}

type CommentAnswer = Pick<Answering, "text" | "ok">;

interface Said {
  readonly comment: ForgeComment;
  readonly commands: readonly Command[];
  readonly problem: string | null;
  readonly place: CommandPlace;
}

/** Null: nobody is answered. */
async function obeyed(parts: ObeyParts, said: Said, signal: AbortSignal): Promise<CommentAnswer | null> {
  const { comment, commands, problem, place } = said;
  const { author } = comment;
  const edited = comment.changedAt > comment.createdAt;
  const results: CommandResult[] = [];
  let strange = true;
  for (const [index, command] of commands.entries()) {
    const done = await parts.store.receipt(commandKey(comment, index));
    if (done !== null) {
      results.push({ command, ok: true, message: "recorded; `factory events` shows it" });
      strange = false;
    } else if (edited) results.push({ command, ok: false, message: EDITED });
    else {
      const result = await obey(parts, { comment, command, index, place }, signal);
      strange &&= result.strange;
      results.push({ command, ok: result.ok, message: result.message });
    }
  }
  // Whoever may do nothing is told so, and cannot make us talk for ever.
  if (edited || problem !== null) strange = !(await isHeard(parts, author, signal));
  if (strange && !parts.answersStranger()) {
    parts.log.info("a comment was not obeyed, and not answered", {
      author,
      on: comment.on,
      url: comment.url,
    });
    return null;
  }
  const text = problem === null ? answerText(author, results) : refusalText(author, problem);
  const answer: CommentAnswer = { text, ok: problem === null && results.every(({ ok }) => ok) };
  await parts.recorder.putReceipts([receiptOf(answerKey(comment), comment, JSON.stringify(answer))]);
  return answer;
}

const EDITED = "the comment was edited before it was obeyed; write what you want as a new comment";

async function isHeard({ entitlement }: ObeyParts, author: string, signal: AbortSignal): Promise<boolean> {
  return (await entitlement.refusal(author, "viewer", signal)) === null;
}

async function obey(
  parts: ObeyParts,
  {
    comment,
    command,
    index,
    place,
  }: {
    readonly comment: ForgeComment;
    readonly command: Command;
    readonly index: number;
    readonly place: CommandPlace;
  },
  signal: AbortSignal,
): Promise<{ readonly ok: boolean; readonly message: string; readonly strange: boolean }> {
  const { entitlement, log } = parts;
  const { author, url } = comment;
  // Nobody learns what is open, or has us look it up, who may not ask.
  const tooLittle = await entitlement.refusal(author, leastRoleFor(command), signal);
  if (tooLittle !== null)
    return { ok: false, message: tooLittle, strange: !(await isHeard(parts, author, signal)) };
  const stands = parts.stands();
  const asked = interpret(command, place, stands);
  if (typeof asked === "string") return { ok: false, message: asked, strange: false };
  const refusal = await entitlement.refusal(author, roleFor(asked), signal);
  if (refusal !== null) return { ok: false, message: refusal, strange: false };
  if (asked.operation === "plan")
    return { ok: true, message: parts.planAgain(asked.input.number), strange: false };
  const by: Actor = { type: "person", name: author, login: author, via: url };
  if (asked.operation === "kill" && isKilledBy(stands, asked.input.name, url))
    return { ok: true, message: `${asked.input.name} is being killed`, strange: false };
  const handlers = parts.handlers(
    withReceipt(parts.recorder, receiptOf(commandKey(comment, index), comment, command.text)),
  );
  const { ok, message } = await carryOut(handlers, asked as Ordered, by);
  log.info("a comment was heard", { author, url, command: command.verb, ok, message });
  return { ok, message, strange: false };
}

/** A kill waits for no receipt: the mission itself says who ended it. */
function isKilledBy({ lane }: WhatStands, name: string, url: string): boolean {
  const state = lane(name);
  const missions = state === null ? [] : [...(state.mission === null ? [] : [state.mission]), ...state.past];
  return missions.some(({ terminal }) => terminal?.by.type === "person" && terminal.by.via === url);
}

function receiptOf(key: string, { body }: ForgeComment, text: string): Receipt {
  // Of what was obeyed: what becomes of the comment afterwards changes nothing.
  return { key, digest: sha256Hex(body), status: 200, body: text };
}

function read({ body }: Receipt): CommentAnswer {
  return JSON.parse(body) as CommentAnswer;
}

function commandKey({ id }: ForgeComment, index: number): string {
  return `comment/${id}/command/${index}`;
}

function answerKey({ id }: ForgeComment): string {
  return `comment/${id}/answer`;
}

function toldKey({ id }: ForgeComment): string {
  return `comment/${id}/told`;
}
