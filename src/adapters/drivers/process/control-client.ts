/** Calls to a shim's control socket. See `specs/shim-control-v1.md`. */
import { connect } from "node:net";
import { FactoryError } from "../../../core/model/error.ts";
import { shortageError, shortageOf } from "../../../core/model/shortage.ts";
import { isRecord } from "../../../instance/files.ts";

export interface ControlCall {
  readonly socket: string;
  readonly nonce: string;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** A shim answers in milliseconds; beyond this it is stopped or wedged. */
export const CALL_TIMEOUT_MS = 5_000;
const ANSWER_LENGTH_MAX = 64 * 1024 * 1024;

/**
 * The result, or `driver/unreachable` when nobody answers in time, or the shim's refusal under its own code. `machine/shortage`: there
 * was no descriptor to ask it with, which says nothing about the shim.
 */
export function callShim(call: ControlCall): Promise<unknown> {
  const signal = AbortSignal.any([call.signal, AbortSignal.timeout(call.timeoutMs)]);
  return new Promise((resolve, reject) => {
    const socket = connect(call.socket);
    let held = "";
    const unreachable = (why: string): void => {
      socket.destroy();
      reject(new FactoryError("driver/unreachable", "retry", `the shim behind ${call.socket} ${why}`));
    };
    const onAbort = (): void => unreachable(`did not answer ${call.method} in time`);
    signal.addEventListener("abort", onAbort, { once: true });
    socket.setEncoding("utf8");
    socket.on("connect", () => {
      const { nonce, method, params } = call;
      socket.write(`${JSON.stringify({ id: 1, nonce, method, params })}\n`);
    });
    socket.on("data", (chunk: string) => {
      held += chunk;
      if (held.length > ANSWER_LENGTH_MAX) return unreachable("answers without end");
      const end = held.indexOf("\n");
      if (end < 0) return;
      signal.removeEventListener("abort", onAbort);
      socket.destroy();
      settle(held.slice(0, end), call, resolve, reject);
    });
    socket.on("error", (error) => {
      const shortage = shortageOf(error);
      // Any other is the shim's: it lets nobody in for now.
      if (shortage === "EMFILE" || shortage === "ENFILE")
        reject(shortageError(`the shim behind ${call.socket} could not be asked`, shortage, error));
      unreachable(`cannot be reached: ${error.message}`);
    });
    socket.on("close", () => {
      signal.removeEventListener("abort", onAbort);
      unreachable("hung up");
    });
    if (signal.aborted) onAbort();
  });
}

function settle(
  line: string,
  call: ControlCall,
  resolve: (result: unknown) => void,
  reject: (error: Error) => void,
): void {
  let answer: unknown;
  try {
    answer = JSON.parse(line);
  } catch {
    answer = null;
  }
  if (!isRecord(answer))
    reject(new FactoryError("driver/unreachable", "retry", `${call.method}: no answer in JSON`));
  else if (answer["ok"] === true) resolve(answer["result"]);
  else reject(refusal(String(answer["code"]), `${call.method}: ${String(answer["message"])}`));
}

function refusal(code: string, message: string): FactoryError {
  switch (code) {
    case "wrong_instance":
      return new FactoryError("driver/fenced", "yield", message);
    case "not_ready":
      return new FactoryError("driver/not-ready", "wait", message);
    case "busy":
      return new FactoryError("driver/busy", "yield", message);
    case "ending":
      return new FactoryError("driver/ending", "yield", message);
    case "no_agent":
      return new FactoryError("driver/no-agent", "yield", message);
    case "input_full":
      return new FactoryError("driver/input-full", "retry", message);
    case "not_resumable":
      return new FactoryError("driver/not-resumable", "yield", message);
    case "not_frozen":
      return new FactoryError("driver/not-frozen", "retry", message);
    default:
      return new FactoryError("driver/refused", "crash", `${code}: ${message}`);
  }
}
