/**
 * The control socket: one JSON line asks, one JSON line answers. Documented in
 * `specs/shim-control-v1.md`. Every call carries the launch's nonce; a call for another
 * launch is refused, so a handle from before a restart cannot move the wrong instance.
 */
import { renameSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { type Connections, limitConnections } from "../../instance/connections.ts";
import { isRecord } from "../../instance/files.ts";
import { descriptorLimit } from "../../instance/spare-descriptors.ts";

export type ControlResult =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** A method answers at once; what takes time goes on after the answer. */
export type ControlMethods = Readonly<
  Record<string, (params: Readonly<Record<string, unknown>>) => ControlResult | Promise<ControlResult>>
>;

/** An envelope with a long objective fits; a line beyond it is not ours. */
const CALL_LENGTH_MAX = 1024 * 1024;
const CONNECTIONS_MAX = 16;
/** Of all descriptors that a shim may have. */
const CONNECTIONS_SHARE = 1 / 8;
/** The first line comes with the connection, and names the launch. Whoever does not know it is somebody else. */
const UNPROVEN_MS = 5_000;
/** A caller says what it wants at once, or has gone. */
const IDLE_MS = 30_000;

export function listenForControl(options: {
  readonly socket: string;
  readonly nonce: string;
  readonly methods: ControlMethods;
}): Promise<Server> {
  const server = createServer((socket) => serve(socket, { ...options, connections }));
  const connections = limitConnections(server, {
    connectionsMax: Math.min(CONNECTIONS_MAX, Math.floor(descriptorLimit() * CONNECTIONS_SHARE)),
    unprovenMs: UNPROVEN_MS,
  });
  // A socket has its name before anybody listens behind it: it gets the name that others know afterwards.
  const temporary = `${options.socket}.new`;
  // Only the holder of the claim comes here, so a socket that stands there is left over.
  rmSync(temporary, { force: true });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(temporary, () => {
      renameSync(temporary, options.socket);
      resolve(server);
    });
  });
}

interface Served {
  readonly nonce: string;
  readonly methods: ControlMethods;
  readonly connections: Connections;
}

function serve(socket: Socket, served: Served): void {
  let held = "";
  socket.setEncoding("utf8");
  socket.setTimeout(IDLE_MS, () => socket.destroy());
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk: string) => {
    held += chunk;
    if (held.length > CALL_LENGTH_MAX) socket.destroy();
    for (let end = held.indexOf("\n"); end >= 0; end = held.indexOf("\n")) {
      const line = held.slice(0, end);
      held = held.slice(end + 1);
      const answered = served.connections.busy(socket);
      void answer(line, served, () => served.connections.proven(socket)).then((text) => {
        answered();
        if (socket.writable) socket.write(text);
      });
    }
  });
}

async function answer(line: string, served: Served, onProven: () => void): Promise<string> {
  let id: unknown = null;
  let result: ControlResult;
  try {
    const call: unknown = JSON.parse(line);
    if (!isRecord(call)) throw new Error("not an object");
    id = call["id"] ?? null;
    if (call["nonce"] === served.nonce) onProven();
    result = await dispatchCall(call, served);
  } catch (error) {
    result = {
      ok: false,
      code: "bad_request",
      message: error instanceof Error ? error.message : String(error),
    };
  }
  return `${JSON.stringify({ id, ...result })}\n`;
}

function dispatchCall(
  call: Readonly<Record<string, unknown>>,
  { nonce, methods }: Served,
): ControlResult | Promise<ControlResult> {
  if (call["nonce"] !== nonce)
    return { ok: false, code: "wrong_instance", message: "the nonce is another launch's" };
  const name = call["method"];
  const method = typeof name === "string" && Object.hasOwn(methods, name) ? methods[name] : undefined;
  if (method === undefined)
    return { ok: false, code: "unknown_method", message: `no method ${String(name)}` };
  return method(isRecord(call["params"]) ? call["params"] : {});
}
