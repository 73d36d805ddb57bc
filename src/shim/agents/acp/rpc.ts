/** JSON-RPC 2.0 over lines, for a peer of whom nothing is believed: what it sends is looked at, and everything about it is bounded. */
import { isRecord } from "../../../instance/files.ts";

export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

export type RpcAnswer =
  | { readonly ok: true; readonly result: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly error: RpcError };

/** Answers one request of the peer; the first time counts. */
export type Reply = (
  answer: { readonly result: object } | { readonly error: Pick<RpcError, "code" | "message"> },
) => void;

export interface Peer {
  /** Never rejects. Without an answer in time, or at `close`, it is answered with an error of ours. */
  request(method: string, params: object, limitMs: number | null): Promise<RpcAnswer>;
  notify(method: string, params: object): void;
  /** False: the line is no message of the protocol. */
  take(line: string): boolean;
  /** The peer is gone: whoever waits hears so. */
  close(why: string): void;
}

export const RPC_CODE = {
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  cancelled: -32800,
  unauthorized: -32000,
  /** Ours; no peer sends them. */
  closed: -1,
  timedOut: -2,
} as const;

/** Requests of the peer that are not answered yet; of a peer with more, every further one is refused. */
const OPEN_REQUESTS_MAX = 64;
const ERROR_MESSAGE_CHARS_MAX = 2_000;

export function createPeer(parts: {
  readonly send: (message: object) => void;
  readonly onRequest: (method: string, params: Readonly<Record<string, unknown>>, reply: Reply) => void;
  readonly onNotification: (method: string, params: Readonly<Record<string, unknown>>) => void;
  /** While it is, time does not count. */
  readonly paused: () => boolean;
}): Peer {
  const waiting = new Map<number, (answer: RpcAnswer) => void>();
  let sent = 0;
  let open = 0;
  let closed: string | null = null;

  function onRequest(id: unknown, method: string, params: Readonly<Record<string, unknown>>): void {
    let answered = false;
    const reply: Reply = (answer) => {
      if (answered) return;
      answered = true;
      open -= 1;
      parts.send({ jsonrpc: "2.0", id, ...answer });
    };
    open += 1;
    if (open > OPEN_REQUESTS_MAX)
      reply({ error: { code: RPC_CODE.internal, message: `${OPEN_REQUESTS_MAX} requests are open` } });
    else parts.onRequest(method, params, reply);
  }

  function settle(id: number, answer: RpcAnswer): boolean {
    const resolve = waiting.get(id);
    waiting.delete(id);
    resolve?.(answer);
    return resolve !== undefined;
  }

  /** Time that it stands still is not its own: then it gets all of it again. */
  function limit(id: number, method: string, ms: number): void {
    setTimeout(() => {
      if (!waiting.has(id)) return;
      if (parts.paused()) return limit(id, method, ms);
      const message = `the agent did not answer ${method} within ${Math.round(ms / 1_000)} s`;
      settle(id, { ok: false, error: { code: RPC_CODE.timedOut, message } });
    }, ms).unref();
  }

  return {
    request(method, params, limitMs) {
      if (closed !== null)
        return Promise.resolve({ ok: false, error: { code: RPC_CODE.closed, message: closed } });
      sent += 1;
      const id = sent;
      const answer = new Promise<RpcAnswer>((resolve) => waiting.set(id, resolve));
      parts.send({ jsonrpc: "2.0", id, method, params });
      if (limitMs !== null) limit(id, method, limitMs);
      return answer;
    },
    notify(method, params) {
      if (closed === null) parts.send({ jsonrpc: "2.0", method, params });
    },
    take(line) {
      const message = parsed(line);
      if (message === null) return false;
      const { id, method } = message;
      if (typeof method === "string") {
        const params = isRecord(message["params"]) ? message["params"] : {};
        if (id === undefined || id === null) parts.onNotification(method, params);
        else onRequest(id, method, params);
        return true;
      }
      return typeof id === "number" && settle(id, answerOf(message));
    },
    close(why) {
      closed ??= why;
      for (const id of [...waiting.keys()])
        settle(id, { ok: false, error: { code: RPC_CODE.closed, message: closed } });
    },
  };
}

function answerOf(message: Readonly<Record<string, unknown>>): RpcAnswer {
  const { result, error } = message;
  if (error === undefined) return { ok: true, result: isRecord(result) ? result : {} };
  const { code, message: text, data } = isRecord(error) ? error : {};
  return {
    ok: false,
    error: {
      code: typeof code === "number" ? code : RPC_CODE.internal,
      message:
        typeof text === "string" ? text.slice(0, ERROR_MESSAGE_CHARS_MAX) : "an error without a message",
      data,
    },
  };
}

function parsed(line: string): Record<string, unknown> | null {
  if (!line.startsWith("{")) return null;
  try {
    const value: unknown = JSON.parse(line);
    return isRecord(value) && value["jsonrpc"] === "2.0" ? value : null;
  } catch {
    return null;
  }
}
