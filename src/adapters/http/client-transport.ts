import { request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { FactoryError } from "../../core/model/error.ts";
import { MINUTE_MS } from "../../core/model/time.ts";

/** A journal of a thousand large events fits; a stream without an end does not. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;
/** Between two signs of life of the connection. Long, because `reconcile` is silent until its pass is over. */
const SILENCE_MS = 5 * MINUTE_MS;

export interface Sent {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: string;
}

export interface Received {
  readonly url: string;
  readonly status: number;
  readonly text: string;
}

/**
 * Sends requests over TCP or a Unix socket, which `fetch` cannot do. Never
 * repeats one: whether that is safe is for its asker to know.
 */
export function createTransport(options: {
  url: string;
  token: string;
  actor: string;
}): (sent: Sent) => Promise<Received> {
  const target = targetOf(options.url);
  return (sent) =>
    new Promise((resolve, reject) => {
      const start = target.secure ? httpsRequest : httpRequest;
      const fail = (error: Error) => reject(unreachable(options.url, error));
      const outgoing = start(
        {
          ...target.options,
          path: `${target.prefix}${sent.path}`,
          method: sent.method,
          timeout: SILENCE_MS,
          // One connection per request: a command line asks once and ends.
          agent: false,
          headers: {
            authorization: `Bearer ${options.token}`,
            "x-factory-actor": options.actor,
            ...(sent.body === undefined
              ? {}
              : { "content-type": "application/json", "content-length": Buffer.byteLength(sent.body) }),
          },
        },
        (incoming) => {
          readAll(incoming).then(
            (text) => resolve({ url: options.url, status: incoming.statusCode ?? 0, text }),
            fail,
          );
        },
      );
      outgoing.on("timeout", () => outgoing.destroy(new Error(`silent for ${SILENCE_MS} ms`)));
      outgoing.on("error", fail);
      outgoing.end(sent.body);
    });
}

interface Target {
  readonly secure: boolean;
  readonly prefix: string;
  readonly options: RequestOptions;
}

function targetOf(url: string): Target {
  if (url.startsWith("unix:")) {
    return {
      secure: false,
      prefix: "",
      options: { socketPath: url.slice("unix:".length), host: "localhost" },
    };
  }
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (!parsed || !["http:", "https:"].includes(parsed.protocol)) {
    throw new FactoryError(
      "controller/url",
      "stall",
      `${url} is not a controller's URL: http://host:port or unix:/path`,
    );
  }
  return {
    secure: parsed.protocol === "https:",
    prefix: parsed.pathname.replace(/\/$/, ""),
    options: {
      host: parsed.hostname.replace(/^\[(.*)\]$/, "$1"),
      ...(parsed.port ? { port: Number(parsed.port) } : {}),
    },
  };
}

async function readAll(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`the answer is longer than ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function unreachable(url: string, cause: Error): FactoryError {
  const code = "code" in cause ? String(cause.code) : cause.message;
  return new FactoryError(
    "controller/unreachable",
    "retry",
    `no controller answers at ${url} (${code}); start one with "factory run", or name another`,
    { cause },
  );
}
