/** Brings the threads on the forge to what waits for people, and records what stands there. */

import { controllerPart } from "../../core/model/actor.ts";
import { sha256Hex } from "../../core/model/digest.ts";
import { sameValue } from "../../core/model/same.ts";
import type { ShownQuestion, ShownThread } from "../../core/model/thread.ts";
import type { Question } from "../../core/threads/questions.ts";
import { callText } from "../../core/threads/text.ts";
import type { ThreadWanted } from "../../core/threads/threads.ts";
import type { Forge } from "../../ports/forge.ts";
import type { Log } from "../../ports/log.ts";
import type { Recorder } from "../record/recorder.ts";

const THREAD_LABEL = "factory";
/** Reminders of one question that people are told of by a comment; further ones only change the text. */
const REMINDERS_TOLD_MAX = 6;
const TEXT_KEPT_CHARS = 300;

/**
 * Safe to repeat: issue and comments are found again. What is recorded is what the forge has answered, with its own time, so that
 * whoever decides is known to have read it.
 */
export async function showThread(
  { forge, recorder, log }: { readonly forge: Forge; readonly recorder: Recorder; readonly log: Log },
  wanted: ThreadWanted,
  signal: AbortSignal,
): Promise<ShownThread> {
  const before = recorder.fleet.threads?.shown[wanted.key] ?? null;
  const open = wanted.questions.length > 0;
  const { title, body, bodyKey, marker } = wanted;
  const { did, number, url, changedAt } = await forge.ensureIssue(
    {
      marker,
      title,
      body,
      key: bodyKey,
      labels: [THREAD_LABEL],
      state: open ? "open" : "closed",
      ...(before === null ? {} : { number: before.number }),
    },
    signal,
  );
  if (did !== "unchanged")
    log.info("a thread was brought up to date", { subject: wanted.subject, number, open });
  const questions: ShownQuestion[] = [];
  for (const question of wanted.questions) {
    const known = before?.questions.find(({ id }) => id === question.id);
    const shown = shownAs(question, known, changedAt);
    // Whoever follows an issue is told of comments, and not of what becomes of its text.
    if (did !== "created" && (known?.digest !== question.digest || shown.told > known.told))
      await call(forge, { number, question, shown, subject: wanted.subject }, signal);
    questions.push(shown);
  }
  const { subject, clone, missionId } = wanted;
  const thread: ShownThread = { subject, clone, missionId, number, url, open, questions };
  if (before === null || !sameValue(before, thread))
    await recorder.writeFleet(({ threads }) =>
      sameValue(threads?.shown[wanted.key] ?? null, before)
        ? { events: [{ type: "thread.shown", by: controllerPart("threads"), key: wanted.key, thread }] }
        : null,
    );
  return thread;
}

function shownAs(
  { id, digest, item }: Question,
  known: ShownQuestion | undefined,
  changedAt: number,
): ShownQuestion {
  const told = Math.min(item.request?.reminders ?? 0, REMINDERS_TOLD_MAX);
  if (known?.digest === digest) return { ...known, told: Math.max(known.told, told) };
  const text = item.message.slice(0, TEXT_KEPT_CHARS);
  return { id, digest, text, shownAt: changedAt, told, before: known?.text ?? null };
}

async function call(
  forge: Forge,
  {
    number,
    question,
    shown,
    subject,
  }: {
    readonly number: number;
    readonly question: Question;
    readonly shown: ShownQuestion;
    readonly subject: string;
  },
  signal: AbortSignal,
): Promise<void> {
  const marker = `call/${sha256Hex(JSON.stringify([question.id, question.digest, shown.told])).slice(0, 32)}`;
  await forge.ensureComment(
    { on: number, marker, key: marker, body: callText(question, { subject }) },
    signal,
  );
}
