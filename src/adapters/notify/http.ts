/** One POST of a notice: one deadline, a short look at the answer, no redirect followed. */
import { meaningOf, retryAfter } from "../../core/notify/schedule.ts";
import type { Delivery } from "../../ports/notifier.ts";

export interface Post {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** For `Retry-After` as a date. */
  readonly nowMs: number;
}

/** From the first byte to the last (design section 8). */
export const POST_TIMEOUT_MS = 15_000;
/** Of the answer's body, which says little that the status does not. */
const ANSWER_BYTES_MAX = 2_048;
const ANSWER_CHARS_SHOWN = 200;

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Never rejects: trouble on the way is an answer like any other. */
export async function post(call: Post, signal: AbortSignal): Promise<Delivery> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(POST_TIMEOUT_MS)]);
  let answer: Answer;
  try {
    answer = await send(call, limit);
  } catch (error) {
    const timedOut = limit.aborted && !signal.aborted;
    const message = timedOut ? `no answer within ${POST_TIMEOUT_MS / 1_000} s` : reasonOf(error);
    return { type: "retry", message };
  }
  const { status, headers } = answer;
  const said = answer.text.trim() === "" ? "" : `: ${answer.text.trim().slice(0, ANSWER_CHARS_SHOWN)}`;
  const message = `answered ${status}${said}`;
  switch (meaningOf(status)) {
    case "done":
      return { type: "delivered" };
    case "gone":
      return { type: "gone", message };
    case "retry": {
      const afterMs = retryAfter(headers.get("retry-after") ?? undefined, call.nowMs);
      return { type: "retry", message, ...(afterMs === null ? {} : { afterMs }) };
    }
    case "refused": {
      const location = status >= 300 && status < 400 ? headers.get("location") : null;
      return { type: "refused", message: location === null ? message : redirected(status, location) };
    }
  }
}

/** Where a redirect leads is for people to decide: following it would hand the notice to whoever answers there. */
function redirected(status: number, location: string): string {
  const origin = URL.canParse(location) ? new URL(location).origin : "another path";
  return `answered ${status}, a redirect to ${origin}; redirects are not followed: put the final address into fleet.yaml`;
}

async function send({ url, headers, body }: Post, signal: AbortSignal): Promise<Answer> {
  const answer = await fetch(url, {
    method: "POST",
    redirect: "manual",
    headers: { "content-type": "application/json", "user-agent": "factory", ...headers },
    body,
    signal,
  });
  return { status: answer.status, headers: answer.headers, text: await beginningOf(answer) };
}

/** No more of the body than says something; a receiver that goes on talking is not listened to. */
async function beginningOf(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= ANSWER_BYTES_MAX) break;
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** `fetch` says little by itself; the reason why no connection came about stands in its cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return String(cause);
  const code = "code" in cause ? String(cause.code) : "";
  return cause.message === "" ? code || cause.name : cause.message;
}
