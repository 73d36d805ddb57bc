/** The tools over HTTP on a Unix socket: `GET /v1/tools`, `POST /v1/tools/<name>` with the arguments as JSON. */
import { rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { limitConnections } from "../../instance/connections.ts";
import { descriptorLimit } from "../../instance/spare-descriptors.ts";
import type { ToolAnswer } from "./answer.ts";
import { TOOLS } from "./definitions.ts";
import type { Tools } from "./tools.ts";

export interface ToolsServer {
  close(): void;
}

/** As much as a line may hold, and room for its encoding. */
const BODY_BYTES_MAX = 128 * 1024;
const CONNECTIONS_MAX = 64;
/** Of all descriptors that a shim may have. */
const CONNECTIONS_SHARE = 1 / 8;
/** Whoever connects has a question, and asks it at once. An agent that only holds connections has them taken away. */
const SILENT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;

/** What HTTP calls a refusal; everything that a ledger decided is 200. */
const STATUS: Readonly<Record<string, number>> = {
  unknown_tool: 404,
  bad_arguments: 400,
  not_an_artifact: 422,
  digest_differs: 422,
  over: 409,
  ending: 409,
  fenced: 410,
  refused: 400,
  busy: 429,
  unavailable: 503,
};

/** Listens when it returns. A socket that stands there is left over from an earlier epoch and goes. */
export async function serveTools(options: {
  readonly socket: string;
  readonly tools: Tools;
}): Promise<ToolsServer> {
  const { socket, tools } = options;
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    connections.proven(request.socket);
    response.once("close", connections.busy(request.socket));
    void handle(request, response, tools).catch(() => response.destroy());
  });
  const connections = limitConnections(server, {
    connectionsMax: Math.min(CONNECTIONS_MAX, Math.floor(descriptorLimit() * CONNECTIONS_SHARE)),
    unprovenMs: SILENT_MS,
  });
  rmSync(socket, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(socket, resolve);
  });
  server.unref();
  return {
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function handle(request: IncomingMessage, response: ServerResponse, tools: Tools): Promise<void> {
  const path = request.url?.split("?", 1)[0] ?? "";
  if (request.method === "GET" && path === "/v1/tools") return send(response, 200, { tools: TOOLS });
  const name = /^\/v1\/tools\/([a-z_]{1,64})$/.exec(path)?.[1];
  if (request.method !== "POST" || name === undefined)
    return send(response, 404, { code: "not_found", message: "GET /v1/tools, or POST /v1/tools/<name>" });
  const body = await readBody(request);
  if (body === null)
    return send(response, 413, { code: "too_large", message: `at most ${BODY_BYTES_MAX} bytes` });
  const given = parsed(body);
  if (given === BROKEN)
    return send(response, 400, { code: "bad_arguments", message: "the body is not JSON" });
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  const answer = await tools.call(name, given, gone.signal);
  send(
    response,
    statusOf(answer),
    answer.ok ? answer.result : { code: answer.code, message: answer.message },
  );
}

function statusOf(answer: ToolAnswer): number {
  return answer.ok ? 200 : (STATUS[answer.code] ?? 400);
}

async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

const BROKEN = Symbol("not JSON");

function parsed(text: string): unknown {
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return BROKEN;
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  if (response.destroyed) return;
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
  });
  response.end(text);
}
