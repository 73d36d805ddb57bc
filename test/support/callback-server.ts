/** A controller as a shim sees it: takes events and heartbeats over HTTP, and can be told to misbehave. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fingerprint, selfMade } from "../../src/adapters/http/certificate.ts";
import type { WireClaim, WireClaimAnswer } from "../../src/api/action.ts";
import type { WireEvent } from "../../src/api/event.ts";
import type { WireHeartbeat } from "../../src/api/heartbeat.ts";

export interface CallbackServer {
  /** `unix:<path>`, or `https://…#sha256=…` on the network. */
  readonly url: string;
  /** Distinct events in the order of their first arrival. */
  readonly events: WireEvent[];
  readonly heartbeats: WireHeartbeat[];
  readonly tokens: Set<string>;
  /** How many deliveries came, repeats included. */
  deliveries: number;
  /** Which deliveries find their connection cut, unanswered and not taken; null: none. */
  cut: ((event: WireEvent | WireHeartbeat) => boolean) | null;
  /** Round trips that were asked for, and the status with which the nth is answered; null: 204. */
  checks: number;
  check: ((n: number) => number) | null;
  /** The answer to the next delivery; null answers by the rules. */
  answer:
    | ((event: WireEvent | WireHeartbeat) => { status: number; headers?: Record<string, string> } | null)
    | null;
  /** What was claimed, approvals that were asked for among them, and the answer to it; null: nobody answers. */
  readonly claims: WireClaim[];
  claim: ((claim: WireClaim) => Partial<WireClaimAnswer>) | null;
  of(clone: string): readonly WireEvent[];
  close(): Promise<void>;
}

/** `at`: the URL of one that is closed, whose place it takes. `network`: on a port of this machine, with a certificate. */
export async function startCallbackServer(
  where: { readonly at?: string; readonly network?: boolean } = {},
): Promise<CallbackServer> {
  const onRequest: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      callback.tokens.add(request.headers.authorization ?? "");
      if (request.method === "GET") {
        callback.checks += 1;
        return void response.writeHead(callback.check?.(callback.checks) ?? 204).end();
      }
      const body = JSON.parse(Buffer.concat(chunks).toString("utf8")) as unknown;
      if (request.url?.endsWith("/actions/claim") === true) {
        callback.claims.push(body as WireClaim);
        const answer = callback.claim?.(body as WireClaim) ?? null;
        const headers = { "content-type": "application/json" };
        return void response.writeHead(answer === null ? 503 : 200, headers).end(JSON.stringify(answer));
      }
      const { data } = body as { data: WireEvent | WireHeartbeat };
      if (callback.cut?.(data) === true) return void request.socket.destroy();
      const told = callback.answer?.(data) ?? null;
      if (data.event_type !== "clone.heartbeat") callback.deliveries += 1;
      if (told !== null) return void response.writeHead(told.status, told.headers).end();
      if (data.event_type === "clone.heartbeat") callback.heartbeats.push(data);
      else if (callback.events.every((event) => event.idempotency_key !== data.idempotency_key))
        callback.events.push(data);
      response.writeHead(200).end();
    });
  };
  const identity = where.network === true ? selfMade({ name: "callback", host: HOST, at: Date.now() }) : null;
  const server = identity === null ? createServer(onRequest) : createTlsServer(identity, onRequest);
  const callback: CallbackServer = {
    url: "",
    events: [],
    heartbeats: [],
    tokens: new Set(),
    deliveries: 0,
    cut: null,
    checks: 0,
    check: null,
    answer: null,
    claims: [],
    claim: null,
    of: (clone) => callback.events.filter((event) => event.vp_id === clone),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections(); // After the close: nobody may come back in between.
      }),
  };
  if (identity !== null) {
    await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    return Object.assign(callback, {
      url: `https://${HOST}:${port}/v1/events#sha256=${fingerprint(identity.cert)}`,
    });
  }
  const path = where.at?.slice("unix:".length) ?? join(mkdtempSync(join(tmpdir(), "callback-")), "c.sock");
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return Object.assign(callback, { url: `unix:${path}` });
}

const HOST = "127.0.0.1";

/** For the end of a world: the folder of its socket. */
export function forgetSocket({ url }: Pick<CallbackServer, "url">): void {
  if (url.startsWith("unix:")) rmSync(dirname(url.slice("unix:".length)), { recursive: true, force: true });
}
