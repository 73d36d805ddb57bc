/**
 * The door between an agent and its model provider: whatever the agent does, its calls pass here, are counted here, and end
 * here. It listens on a socket in the agent's workspace; `door-main.ts`, inside of the containment, leads a port of the
 * agent's own loopback to it. The agent has a key that is good for nothing else; the real one stays in this process.
 *
 *   call ──► may it? ──► sent with the real key ──► its answer passes as it comes ──► counted
 *              ├─► waits for a higher limit, while its agent is paused
 *              └─► refused, in the provider's own words for an error that is not repeated
 *
 * A call is counted when it is sent, and what it used when its answer has ended, also where the agent did not wait for it.
 */

import { randomBytes, timingSafeEqual } from "node:crypto";
import { rmSync } from "node:fs";
import {
  createServer,
  Agent as HttpAgent,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestOptions,
  request as requestHttp,
  type ServerResponse,
} from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import type { AgentModel } from "../../core/model/clone.ts";
import type { Prices } from "../../core/model/prices.ts";
import { HOUR_MS, MINUTE_MS } from "../../core/model/time.ts";
import { type UsageReport, WAIT_MS_MAX as WAIT_MS_MAX_OF_PROVIDER } from "../agents/agent.ts";
import { BARE_CALL } from "./bare-call.ts";
import { MODEL_API } from "./model-api.ts";
import type { UsageTap } from "./usage-tap.ts";

export interface Gateway {
  /** Listens when it resolves. */
  open(): Promise<void>;
  /** Ends every call that is under way, and lets none through any more: nothing is spent for an agent that is to end. */
  cut(): void;
  close(): void;
}

export interface Obstacle {
  readonly why: string;
  /** It may go away by a person's answer: the call waits for that. */
  readonly passes: boolean;
}

export interface GatewayParts {
  readonly model: AgentModel;
  readonly socket: string;
  /** What the agent shows. */
  readonly virtualKey: string;
  /** The provider's. */
  readonly key: string;
  readonly prices: Prices;
  /** What stands against a call now; null: nothing. `underWay`: calls that are sent and not counted yet. */
  readonly obstacle: (underWay: number) => Obstacle | null;
  /** The agent may use the socket: it is its owner's alone. */
  readonly onListening: () => void;
  readonly onUsed: (used: UsageReport) => void;
  /** Its provider makes the agent wait. */
  readonly onThrottled: (ms: number) => void;
  readonly note: (text: string) => void;
}

/** Together: an agent with its subagents. More wait in the agent's own client. */
const CALLS_AT_ONCE_MAX = 64;
const BODY_BYTES_MAX = 64 * 1024 * 1024;
/** A model that thinks for longer between two bytes is taken for gone. */
const SILENT_MS = 30 * MINUTE_MS;
/** Of a call, whatever it does. */
const CALL_MS_MAX = 6 * HOUR_MS;
/** `Retry-After` in seconds; a date is not taken. */
const RETRY_AFTER_PATTERN = /^\d{1,6}$/;

/** A call that waits for a person is looked at again after this, and refused after that: its agent is frozen meanwhile, and its client asks again. */
const LOOK_MS = 200;
const WAIT_MS_MAX = 10 * MINUTE_MS;
const ENDED: Obstacle = { why: "the agent is being ended", passes: false };
const CROWDED: Obstacle = { why: `${CALLS_AT_ONCE_MAX} calls are under way`, passes: true };

/** Named like a key, so that clients take it for one. */
export function newVirtualKey(): string {
  return `sk-factory-${randomBytes(24).toString("hex")}`;
}

export function createGateway(parts: GatewayParts): Gateway {
  const api = MODEL_API[parts.model.api];
  const upstream = new URL(parts.model.upstream);
  const agent = upstream.protocol === "https:" ? new HttpsAgent(POOL) : new HttpAgent(POOL);
  const calls = new Set<() => void>();
  let underWay = 0;
  let over = false;
  let readers: Readers = UNREAD;
  const server = createServer({ requestTimeout: CALL_MS_MAX }, (request, response) => {
    void pass(request, response).catch(() => response.destroy());
  });
  server.maxConnections = 4 * CALLS_AT_ONCE_MAX;

  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://gateway");
    const headers = withRealKey({ headers: request.headers, url }, parts);
    if (headers === null) return refuse(response, 401, "this is not the key that this agent was given");
    const kind = api.kindOf(request.method ?? "", url.pathname);
    if (kind === "unknown") {
      parts.note(`the gateway refuses ${request.method} ${url.pathname}: it does not know what that costs`);
      return refuse(response, 404, `the gateway of Factory does not know ${request.method} ${url.pathname}`);
    }
    const why = kind === "call" ? await untilItMay(response) : over ? ENDED.why : null;
    if (why !== null) {
      parts.note(`a model call is refused: ${why}`);
      return refuse(response, 400, `Factory lets no model call through: ${why}`);
    }
    try {
      await forward({ request, response, url, headers, counts: kind === "call" });
    } finally {
      if (kind === "call") underWay -= 1;
    }
  }

  /** Null: it has a place, which `pass` gives back. Between the look and the place nothing waits: two calls cannot both take the last one. */
  async function untilItMay(response: ServerResponse): Promise<string | null> {
    for (let waitedMs = 0; ; waitedMs += LOOK_MS) {
      const obstacle = over ? ENDED : underWay >= CALLS_AT_ONCE_MAX ? CROWDED : parts.obstacle(underWay);
      if (obstacle === null) {
        underWay += 1;
        return null;
      }
      if (!obstacle.passes || waitedMs >= WAIT_MS_MAX || response.destroyed) return obstacle.why;
      await sleep(LOOK_MS);
    }
  }

  function refuse(response: ServerResponse, status: number, message: string): void {
    response.writeHead(status, { "content-type": "application/json", connection: "close" });
    response.end(JSON.stringify(api.refusal(message)));
  }

  interface Call {
    readonly request: IncomingMessage;
    readonly response: ServerResponse;
    readonly url: URL;
    readonly headers: IncomingHttpHeaders;
    readonly counts: boolean;
  }

  /** Resolves when the answer has ended and was counted. */
  async function forward({ request, response, url, headers, counts }: Call): Promise<void> {
    const body = await bodyOf(request);
    if (body === null) return refuse(response, 413, `a request has at most ${BODY_BYTES_MAX} bytes`);
    const sent = counts ? withUsageAsked(url.pathname, body) : body;
    const options: RequestOptions = {
      method: request.method ?? "GET",
      path: `${upstream.pathname.replace(/\/$/, "")}${url.pathname}${url.search}`,
      headers: { ...headers, host: upstream.host, "content-length": sent.length },
      agent,
      timeout: SILENT_MS,
    };
    let answer: Readonly<Record<string, unknown>> | null = null;
    try {
      answer = await exchange({ options, sent, response, counts });
    } finally {
      if (counts)
        parts.onUsed(readers.usageOfCall(answer, { api, path: url.pathname, prices: parts.prices }));
    }
  }

  function exchange({
    options,
    sent,
    response,
    counts,
  }: {
    readonly options: RequestOptions;
    readonly sent: Buffer;
    readonly response: ServerResponse;
    readonly counts: boolean;
  }): Promise<Readonly<Record<string, unknown>> | null> {
    return new Promise((resolve) => {
      let tap: UsageTap | null = null;
      const ask = upstream.protocol === "https:" ? requestHttps : requestHttp;
      const outgoing = ask(upstream, options);
      const limit = setTimeout(() => outgoing.destroy(), CALL_MS_MAX);
      const end = (): void => {
        clearTimeout(limit);
        calls.delete(cut);
        resolve(tap?.end() ?? null);
      };
      const cut = (): void => {
        outgoing.destroy();
        response.destroy();
        end();
      };
      calls.add(cut);
      outgoing.on("timeout", () => outgoing.destroy());
      outgoing.on("error", (error: NodeJS.ErrnoException) => {
        if (!response.headersSent && !response.destroyed) {
          parts.note(`the model provider at ${upstream.host} is not reached: ${error.code ?? error.name}`);
          refuse(response, 502, `${upstream.host} is not reached`);
        } else response.destroy();
        end();
      });
      outgoing.on("response", (incoming) => {
        const { statusCode = 502 } = incoming;
        if (counts) tap = readers.createUsageTap(String(incoming.headers["content-type"] ?? ""));
        if (statusCode === 429) throttled(incoming.headers["retry-after"]);
        response.writeHead(statusCode, passedOn(incoming.headers));
        incoming.on("data", (chunk: Buffer) => {
          tap?.push(chunk);
          // Whoever does not wait for the answer pays for it all the same: it is read to its end.
          if (!response.destroyed && !response.write(chunk)) incoming.pause();
        });
        response.on("drain", () => incoming.resume());
        response.on("close", () => incoming.resume());
        incoming.on("end", () => {
          response.end();
          end();
        });
        incoming.on("error", () => {
          response.destroy();
          end();
        });
      });
      outgoing.end(sent);
    });
  }

  function throttled(after: string | undefined): void {
    const seconds = RETRY_AFTER_PATTERN.test(after ?? "") ? Number(after) : 0;
    if (seconds > 0) parts.onThrottled(Math.min(seconds * 1_000, WAIT_MS_MAX_OF_PROVIDER));
  }

  return {
    async open() {
      readers = await loadReaders();
      rmSync(parts.socket, { force: true });
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(parts.socket, resolve);
      });
      server.unref();
      parts.onListening();
    },
    cut() {
      over = true;
      for (const end of [...calls]) end();
    },
    close() {
      over = true;
      for (const end of [...calls]) end();
      server.close();
      server.closeAllConnections();
      agent.destroy();
    },
  };
}

/** How answers are read and priced: loaded where there is a gateway, and by no other shim. */
type Readers = Pick<typeof import("./usage-tap.ts"), "createUsageTap"> &
  Pick<typeof import("./call-cost.ts"), "usageOfCall">;

const UNREAD: Readers = {
  createUsageTap: () => ({ push() {}, end: () => null }),
  usageOfCall: () => BARE_CALL,
};

async function loadReaders(): Promise<Readers> {
  const [{ createUsageTap }, { usageOfCall }] = await Promise.all([
    import("./usage-tap.ts"),
    import("./call-cost.ts"),
  ]);
  return { createUsageTap, usageOfCall };
}

const POOL = { keepAlive: true, maxSockets: CALLS_AT_ONCE_MAX };

/** Where clients put a key: the headers of the providers, and Gemini's query. */
const KEY_HEADERS = ["authorization", "x-api-key", "x-goog-api-key"] as const;
/** Of one connection, and not of the call; and what would keep the answer from being read. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "expect",
  "host",
  "content-length",
  "accept-encoding",
]);

/** The same headers with the real key in the place of the agent's; null where that is not shown. */
function withRealKey(
  { headers, url }: { readonly headers: IncomingHttpHeaders; readonly url: URL },
  { virtualKey, key }: Pick<GatewayParts, "virtualKey" | "key">,
): IncomingHttpHeaders | null {
  const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => !OWN_HEADERS.has(name)));
  let shown = false;
  for (const name of KEY_HEADERS) {
    const value = kept[name];
    if (value === undefined) continue;
    const bare = String(value).replace(/^Bearer /i, "");
    if (!same(bare, virtualKey)) return null;
    kept[name] = String(value).replace(bare, () => key);
    shown = true;
  }
  const asked = url.searchParams.get("key");
  if (asked !== null) {
    if (!same(asked, virtualKey)) return null;
    url.searchParams.set("key", key);
    shown = true;
  }
  return shown ? kept : null;
}

function same(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function passedOn(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => name === "content-length" || !OWN_HEADERS.has(name)),
  );
}

/** Null: too long. */
async function bodyOf(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The one change of what an agent asks: a stream of OpenAI's chat tells its usage only to those who ask for it. */
function withUsageAsked(path: string, body: Buffer): Buffer {
  if (path !== "/v1/chat/completions") return body;
  try {
    const asked = JSON.parse(body.toString("utf8")) as Record<string, unknown>;
    const options = (asked["stream_options"] ?? {}) as Record<string, unknown>;
    if (asked["stream"] !== true || options["include_usage"] === true) return body;
    return Buffer.from(JSON.stringify({ ...asked, stream_options: { ...options, include_usage: true } }));
  } catch {
    return body; // The provider says what is wrong with it.
  }
}
