/** The little HTTP that a shim speaks: one request, one short answer, one deadline. */
import type { IncomingMessage, RequestOptions } from "node:http";
import { Agent, request as httpRequest } from "node:http";

export interface HttpAnswer {
  readonly status: number;
  readonly retryAfter: string | undefined;
}

export interface HttpCall {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly token: string;
  readonly contentType?: string;
  readonly body?: string;
}

export const CALL_TIMEOUT_MS = 10_000;

const agent = new Agent({ keepAlive: true, maxSockets: 2 });

/** Rejects when there is no answer within `CALL_TIMEOUT_MS`; every answer, whatever its status, resolves. */
export async function call(options: HttpCall): Promise<HttpAnswer> {
  const secure = options.url.startsWith("https:");
  // Loaded on demand: most callbacks are on the same machine, and TLS costs memory in every shim.
  const https = secure ? await import("node:https") : null;
  return new Promise((resolve, reject) => {
    const headers: Record<string, string | number> = { authorization: `Bearer ${options.token}` };
    if (options.body !== undefined) {
      headers["content-type"] = options.contentType ?? "application/json";
      headers["content-length"] = Buffer.byteLength(options.body);
    }
    const settings: RequestOptions = {
      method: options.method,
      headers,
      signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
    };
    const onAnswer = (answer: IncomingMessage): void => {
      answer.resume(); // The body says nothing that the status does not; reading it frees the connection.
      answer.on("error", reject);
      answer.on("end", () =>
        resolve({ status: answer.statusCode ?? 0, retryAfter: answer.headers["retry-after"] }),
      );
    };
    const outgoing =
      https === null
        ? httpRequest(options.url, { ...settings, agent }, onAnswer)
        : https.request(options.url, settings, onAnswer);
    outgoing.on("error", reject);
    outgoing.end(options.body);
  });
}
