/** The controller's effect ledger as a shim asks it: again and again until there is an answer, or no time left. */
import { setTimeout as sleep } from "node:timers/promises";
import type { RememberedAction } from "../../core/model/action.ts";
import { canonicalJson } from "../../core/model/digest.ts";
import { meaningOf } from "../../core/notify/schedule.ts";
import { isRecord } from "../../instance/files.ts";
import type { ToolAnswer } from "./answer.ts";
import { type Asked, ask } from "./ask.ts";

export interface Ledger {
  /**
   * Without an answer of the controller, the answer is `unavailable`, never a permission.
   * `isWait` tells answers that may become others soon; they are asked for again while there is time.
   */
  ask(
    what: "claim" | "complete",
    question: Readonly<Record<string, unknown>>,
    more: {
      readonly waitMs: number;
      readonly isWait: (answer: Readonly<Record<string, unknown>>) => boolean;
      readonly signal: AbortSignal;
      /** Goes along, and is no part of the question. */
      readonly remembered: RememberedAction | null;
    },
  ): Promise<ToolAnswer>;
}

const RETRY_MS_MIN = 250;
const RETRY_MS_MAX = 5_000;
/** One attempt; a controller that takes longer is as good as away. */
const ATTEMPT_MS = 15_000;
/** Questions without an answer whose number is remembered. */
const UNANSWERED_MAX = 200;

export function createLedger(options: {
  readonly callbackUrl: () => string;
  readonly token: string;
  readonly onReached: () => void;
  readonly onFenced: () => void;
}): Ledger {
  let asked = 0;
  /**
   * Questions that ended without an answer: the controller may have recorded what we never heard. The same
   * question, put again, carries the same number and gets the answer that was lost.
   */
  const unanswered = new Map<string, string>();

  return {
    async ask(what, question, { waitMs, isWait, signal, remembered }) {
      const along = remembered === null ? {} : { remembered };
      const words = `${what} ${canonicalJson(question)}`;
      let id = unanswered.get(words) ?? nextId();
      // Only for one who asks: two that ask at the same time are two questions.
      unanswered.delete(words);
      const deadline = performance.now() + waitMs;
      let last: ToolAnswer | null = null;
      for (let retryMs = RETRY_MS_MIN; ; retryMs = Math.min(retryMs * 2, RETRY_MS_MAX)) {
        const attempt = await attemptOnce(what, { ...question, ...along, request_id: id }, signal);
        if (attempt.type === "answer") {
          const wait = attempt.answer.ok && isWait(attempt.answer.result);
          if (!wait) return attempt.answer;
          last = attempt.answer;
          id = nextId();
        } else {
          last = null;
        }
        const leftMs = deadline - performance.now();
        if (leftMs <= 0 || signal.aborted) break;
        await sleep(Math.min(retryMs, leftMs), undefined, { signal }).catch(() => {});
      }
      if (last !== null) return last;
      if (unanswered.size >= UNANSWERED_MAX) unanswered.delete(unanswered.keys().next().value ?? "");
      unanswered.set(words, id);
      return {
        ok: false,
        code: "unavailable",
        message: `the controller was not reached within ${Math.round(waitMs / 1_000)} s; do not do it, ask again later`,
      };
    },
  };

  function nextId(): string {
    asked += 1;
    return `tool-${asked}`;
  }

  async function attemptOnce(
    what: "claim" | "complete",
    body: unknown,
    signal: AbortSignal,
  ): Promise<Attempt> {
    let answer: Asked;
    try {
      answer = await ask({
        callbackUrl: options.callbackUrl(),
        resource: `actions/${what}`,
        token: options.token,
        body,
        signal: AbortSignal.any([signal, AbortSignal.timeout(ATTEMPT_MS)]),
      });
    } catch {
      return { type: "none" };
    }
    switch (meaningOf(answer.status)) {
      case "retry":
        return { type: "none" };
      case "gone":
        options.onFenced();
        return refusal("fenced", "this instance's epoch is over: nothing may be done any more");
      case "refused":
        options.onReached();
        return refusal("refused", detailOf(answer));
      case "done":
        options.onReached();
        return isRecord(answer.body) && typeof answer.body["decision"] === "string"
          ? { type: "answer", answer: { ok: true, result: answer.body } }
          : { type: "none" };
    }
  }
}

type Attempt = { readonly type: "answer"; readonly answer: ToolAnswer } | { readonly type: "none" };

function refusal(code: string, message: string): Attempt {
  return { type: "answer", answer: { ok: false, code, message } };
}

function detailOf({ status, body }: Asked): string {
  if (!isRecord(body) || typeof body["detail"] !== "string") return `the controller answered ${status}`;
  const errors = Array.isArray(body["errors"]) ? body["errors"].filter(isRecord) : [];
  const fields = errors.map((error) => `${String(error["field"])}: ${String(error["message"])}`).join("; ");
  return fields === "" ? body["detail"] : `${body["detail"]} (${fields})`;
}
