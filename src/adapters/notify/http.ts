/** One POST of a notice: one deadline, a short look at the answer, no redirect followed. */
import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
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

/** Never rejects: trouble on the way is an answer like any other. */
export async function post(call: Post, signal: AbortSignal): Promise<Delivery> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(POST_TIMEOUT_MS)]);
  let answer: { status: number; text: string; headers: IncomingMessage["headers"] };
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
      const afterMs = retryAfter(headers["retry-after"], call.nowMs);
      return { type: "retry", message, ...(afterMs === null ? {} : { afterMs }) };
    }
    case "refused": {
      const elsewhere = status >= 300 && status < 400 && headers.location !== undefined;
      return { type: "refused", message: elsewhere ? redirected(status, headers.location ?? "") : message };
    }
  }
}

/** Where a redirect leads is for people to decide: following it would hand the notice to whoever answers there. */
function redirected(status: number, location: string): string {
  const origin = URL.canParse(location) ? new URL(location).origin : "another path";
  return `answered ${status}, a redirect to ${origin}; redirects are not followed: put the final address into fleet.yaml`;
}

function send(
  { url, headers, body }: Post,
  signal: AbortSignal,
): Promise<{ status: number; text: string; headers: IncomingMessage["headers"] }> {
  return new Promise((resolve, reject) => {
    const bytes = Buffer.from(body);
    const settings = {
      method: "POST",
      signal,
      // A connection of its own: notices are rare, and one that was kept open may be dead already.
      agent: false,
      headers: {
        "content-type": "application/json",
        "content-length": bytes.length,
        "user-agent": "factory",
        ...headers,
      },
    } as const;
    const onAnswer = (answer: IncomingMessage): void => {
      const chunks: Buffer[] = [];
      let size = 0;
      const done = (): void =>
        resolve({
          status: answer.statusCode ?? 0,
          text: Buffer.concat(chunks).toString("utf8"),
          headers: answer.headers,
        });
      answer.on("data", (chunk: Buffer) => {
        size += chunk.length;
        chunks.push(chunk);
        if (size < ANSWER_BYTES_MAX) return;
        done();
        answer.destroy();
      });
      answer.on("end", done);
      answer.on("error", reject);
    };
    let outgoing: ClientRequest;
    try {
      outgoing = url.startsWith("https:")
        ? httpsRequest(url, settings, onAnswer)
        : httpRequest(url, settings, onAnswer);
    } catch (error) {
      reject(error);
      return;
    }
    outgoing.on("error", reject);
    outgoing.end(bytes);
  });
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error ? String(error.code) : "";
  return error.message === "" ? code || error.name : error.message;
}
