/** Asks the controller something that has an answer: one request, one JSON document, one deadline. */
import { type IncomingMessage, request } from "node:http";
import { connections } from "../callback/http.ts";

export interface Asked {
  readonly status: number;
  /** Parsed JSON; null where the body was none. */
  readonly body: unknown;
}

/** An answer holds a result at most (`RESULT_LENGTH_MAX`) and a few sentences. */
const ANSWER_BYTES_MAX = 256 * 1024;
const connectTo = connections(4);

/** Rejects when there is no whole answer before the signal, and before anything is sent where the controller is not proven. */
export async function ask(options: {
  /** Of the controller: see `instance/address.ts`. */
  readonly callbackUrl: string;
  readonly resource: "actions/claim" | "actions/complete";
  readonly token: string;
  readonly body: unknown;
  readonly signal: AbortSignal;
}): Promise<Asked> {
  const target = connectTo(options.callbackUrl);
  const text = JSON.stringify(options.body);
  return new Promise((resolve, reject) => {
    const settings = {
      agent: target.agent,
      method: "POST",
      path: target.pathOf(options.resource),
      headers: {
        host: target.host,
        authorization: `Bearer ${options.token}`,
        "content-type": "application/json",
        "content-length": Buffer.byteLength(text),
      },
      signal: options.signal,
    };
    const onAnswer = (answer: IncomingMessage): void => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      answer.on("error", reject);
      answer.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        chunks.push(chunk);
        if (bytes > ANSWER_BYTES_MAX) answer.destroy(new Error("the answer is too long"));
      });
      answer.on("end", () =>
        resolve({ status: answer.statusCode ?? 0, body: parsed(Buffer.concat(chunks).toString("utf8")) }),
      );
    };
    const outgoing = request(settings, onAnswer);
    outgoing.on("error", reject);
    outgoing.end(text);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
