/** A controller as a shim sees it: takes events and heartbeats over HTTP, and can be told to misbehave. */
import { createServer, type Server } from "node:http";
import type { WireEvent } from "../../src/api/event.ts";
import type { WireHeartbeat } from "../../src/api/heartbeat.ts";

export interface CallbackServer {
  readonly url: string;
  readonly port: number;
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
  of(clone: string): readonly WireEvent[];
  close(): Promise<void>;
}

export async function startCallbackServer(port = 0): Promise<CallbackServer> {
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      callback.tokens.add(request.headers.authorization ?? "");
      if (request.method === "GET") {
        callback.checks += 1;
        return void response.writeHead(callback.check?.(callback.checks) ?? 204).end();
      }
      const { data } = JSON.parse(Buffer.concat(chunks).toString("utf8")) as {
        data: WireEvent | WireHeartbeat;
      };
      if (callback.cut?.(data) === true) return void request.socket.destroy();
      const told = callback.answer?.(data) ?? null;
      if (data.event_type !== "clone.heartbeat") callback.deliveries += 1;
      if (told !== null) return void response.writeHead(told.status, told.headers).end();
      if (data.event_type === "clone.heartbeat") callback.heartbeats.push(data);
      else if (callback.events.every((event) => event.idempotency_key !== data.idempotency_key))
        callback.events.push(data);
      response.writeHead(200).end();
    });
  });
  const callback: CallbackServer = {
    url: "",
    port: 0,
    events: [],
    heartbeats: [],
    tokens: new Set(),
    deliveries: 0,
    cut: null,
    checks: 0,
    check: null,
    answer: null,
    of: (clone) => callback.events.filter((event) => event.vp_id === clone),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections(); // After the close: nobody may come back in between.
      }),
  };
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const address = server.address();
  const bound = typeof address === "object" && address !== null ? address.port : 0;
  return Object.assign(callback, { port: bound, url: `http://127.0.0.1:${bound}/v1/events` });
}
