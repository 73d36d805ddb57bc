import { type IncomingMessage, request } from "node:http";
import { FactoryError } from "../../core/model/error.ts";
import { MINUTE_MS } from "../../core/model/time.ts";
import { provable, provenAgent, Unproven } from "../../instance/proven.ts";
import { inUrl } from "./host.ts";

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
 * Sends requests over connections whose other side has proven to be the controller, and nothing over others. Never
 * repeats one: whether that is safe is for its asker to know.
 */
export function createTransport(options: {
  url: string;
  token: string;
  actor: string;
  owners?: readonly number[];
}): (sent: Sent) => Promise<Received> {
  const target = targetOf(options);
  return (sent) =>
    new Promise((resolve, reject) => {
      const fail = (error: Error) => reject(unreachable(options.url, error));
      const outgoing = request(
        {
          // One connection per request: a command line asks once and ends.
          agent: target.agent(),
          path: `${target.prefix}${sent.path}`,
          method: sent.method,
          timeout: SILENCE_MS,
          headers: {
            host: target.host,
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

function targetOf({ url, owners = [] }: { readonly url: string; readonly owners?: readonly number[] }) {
  const address = provableAt(url);
  const agent = () => provenAgent(address, { keepAlive: false, owners });
  if (address.type === "socket") return { agent, prefix: "", host: "localhost" };
  return { agent, prefix: address.prefix, host: `${inUrl(address.host)}:${address.port}` };
}

function provableAt(url: string) {
  try {
    return provable(url);
  } catch (error) {
    throw new FactoryError("controller/url", "stall", (error as Error).message, { cause: error });
  }
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
  if (cause instanceof Unproven)
    return new FactoryError("controller/unproven", "stall", cause.message, { cause });
  const code = "code" in cause ? String(cause.code) : cause.message;
  return new FactoryError(
    "controller/unreachable",
    "retry",
    `no controller answers at ${url} (${code}); start one with "factory run", or name another`,
    { cause },
  );
}
