/**
 * The control socket: one JSON line asks, one JSON line answers. Documented in
 * `specs/shim-control-v1.md`. Every call carries the launch's nonce; a call for another
 * launch is refused, so a handle from before a restart cannot move the wrong instance.
 */
import { renameSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { isRecord } from "../../instance/files.ts";

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
/** A caller says what it wants at once, or has gone. */
const IDLE_MS = 30_000;

export function listenForControl(options: {
  readonly socket: string;
  readonly nonce: string;
  readonly methods: ControlMethods;
}): Promise<Server> {
  const server = createServer((socket) => serve(socket, options.nonce, options.methods));
  server.maxConnections = CONNECTIONS_MAX;
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

function serve(socket: Socket, nonce: string, methods: ControlMethods): void {
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
      void answer(line, nonce, methods).then((text) => socket.writable && socket.write(text));
    }
  });
}

async function answer(line: string, nonce: string, methods: ControlMethods): Promise<string> {
  let id: unknown = null;
  let result: ControlResult;
  try {
    const call: unknown = JSON.parse(line);
    if (!isRecord(call)) throw new Error("not an object");
    id = call["id"] ?? null;
    result = await dispatchCall(call, nonce, methods);
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
  nonce: string,
  methods: ControlMethods,
): ControlResult | Promise<ControlResult> {
  if (call["nonce"] !== nonce)
    return { ok: false, code: "wrong_instance", message: "the nonce is another launch's" };
  const name = call["method"];
  const method = typeof name === "string" && Object.hasOwn(methods, name) ? methods[name] : undefined;
  if (method === undefined)
    return { ok: false, code: "unknown_method", message: `no method ${String(name)}` };
  return method(isRecord(call["params"]) ? call["params"] : {});
}
