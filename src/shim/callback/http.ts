/** The little HTTP that a shim speaks: one request, one short answer, one deadline, and only with a proven controller. */
import { type Agent, type IncomingMessage, request } from "node:http";
import { provable, provenAgent } from "../../instance/proven.ts";

export interface HttpAnswer {
  readonly status: number;
  readonly retryAfter: string | undefined;
}

export interface HttpCall {
  readonly method: "GET" | "POST";
  /** Of the controller: see `instance/address.ts`. */
  readonly callbackUrl: string;
  /** Below `/v1/`. */
  readonly resource: "events" | "callback-check";
  readonly token: string;
  readonly contentType?: string;
  readonly body?: string;
}

export const CALL_TIMEOUT_MS = 10_000;

const connectTo = connections(2);

/** Rejects when there is no answer within `CALL_TIMEOUT_MS`, and before anything is sent where the controller is not proven; every answer, whatever its status, resolves. */
export async function call(options: HttpCall): Promise<HttpAnswer> {
  const target = connectTo(options.callbackUrl);
  return new Promise((resolve, reject) => {
    const headers: Record<string, string | number> = {
      host: target.host,
      authorization: `Bearer ${options.token}`,
    };
    if (options.body !== undefined) {
      headers["content-type"] = options.contentType ?? "application/json";
      headers["content-length"] = Buffer.byteLength(options.body);
    }
    const onAnswer = (answer: IncomingMessage): void => {
      answer.resume(); // The body says nothing that the status does not; reading it frees the connection.
      answer.on("error", reject);
      answer.on("end", () =>
        resolve({ status: answer.statusCode ?? 0, retryAfter: answer.headers["retry-after"] }),
      );
    };
    const outgoing = request(
      {
        agent: target.agent,
        method: options.method,
        path: target.pathOf(options.resource),
        headers,
        signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
      },
      onAnswer,
    );
    outgoing.on("error", reject);
    outgoing.end(options.body);
  });
}

export interface Connections {
  readonly agent: Agent;
  /** For the header `Host`. */
  readonly host: string;
  pathOf(resource: string): string;
}

/** Connections to whichever controller is asked for, kept until another one is. */
export function connections(socketsMax: number): (callbackUrl: string) => Connections {
  let kept: { readonly url: string; readonly to: Connections } | null = null;
  return (url) => {
    if (kept?.url === url) return kept.to;
    const address = provable(url);
    const prefix = address.type === "tls" ? address.prefix : "";
    const to: Connections = {
      agent: provenAgent(address, { keepAlive: true, maxSockets: socketsMax }),
      host: address.type === "tls" ? `${inUrl(address.host)}:${address.port}` : "localhost",
      pathOf: (resource) => `${prefix}/v1/${resource}`,
    };
    kept?.to.agent.destroy();
    kept = { url, to };
    return to;
  };
}

function inUrl(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
