/** The Model Context Protocol, as far as five tools need it: JSON-RPC 2.0, one message per line. */
import { isRecord } from "../../instance/files.ts";
import { TOOLS } from "./definitions.ts";

/** Newest first: the one that is offered to a client that knows none of them. */
export const MCP_VERSIONS = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"] as const;

/** What a tool answered, in the words of the socket. */
export interface Called {
  readonly ok: boolean;
  readonly body: unknown;
}

export interface McpServer {
  /** The reply to one message, or null where none is due. Never throws. */
  take(line: string): Promise<string | null>;
}

const PARSE_ERROR = -32_700;
const INVALID_REQUEST = -32_600;
const METHOD_NOT_FOUND = -32_601;
const INVALID_PARAMS = -32_602;
const INTERNAL_ERROR = -32_603;

const INSTRUCTIONS =
  "Claim every action on the world outside with claim_action before you do it, and complete it afterwards. " +
  "Only the decision `go` is a permission.";

export function createMcpServer(options: {
  readonly version: string;
  readonly call: (name: string, given: unknown, signal: AbortSignal) => Promise<Called>;
}): McpServer {
  /** Calls under way, by request id, so that the client may take one back. */
  const under = new Map<string, AbortController>();

  async function take(line: string): Promise<string | null> {
    let message: unknown;
    try {
      message = JSON.parse(line);
    } catch {
      return error(null, PARSE_ERROR, "this is not JSON");
    }
    if (!isRecord(message) || message["jsonrpc"] !== "2.0" || typeof message["method"] !== "string")
      return error(
        isRecord(message) ? idOf(message) : null,
        INVALID_REQUEST,
        "this is not a JSON-RPC 2.0 request",
      );
    const params = isRecord(message["params"]) ? message["params"] : {};
    if (message["id"] === undefined || message["id"] === null) {
      if (message["method"] === "notifications/cancelled") under.get(String(params["requestId"]))?.abort();
      return null;
    }
    const id = idOf(message);
    try {
      return await answer(id, message["method"], params);
    } catch (failure) {
      return error(id, INTERNAL_ERROR, failure instanceof Error ? failure.message : String(failure));
    }
  }

  async function answer(id: Id, method: string, params: Record<string, unknown>): Promise<string | null> {
    switch (method) {
      case "initialize":
        return result(id, {
          protocolVersion: negotiate(params["protocolVersion"]),
          capabilities: { tools: { listChanged: false } },
          serverInfo: { name: "factory-tools", version: options.version },
          instructions: INSTRUCTIONS,
        });
      case "ping":
        return result(id, {});
      case "tools/list":
        return result(id, { tools: TOOLS });
      case "tools/call":
        return callTool(id, params);
      default:
        return error(id, METHOD_NOT_FOUND, `there is no method ${method}`);
    }
  }

  async function callTool(id: Id, params: Record<string, unknown>): Promise<string | null> {
    const { name } = params;
    if (typeof name !== "string" || !TOOLS.some((tool) => tool.name === name))
      return error(
        id,
        INVALID_PARAMS,
        `there is no tool ${String(name)}; there are ${TOOLS.map((tool) => tool.name).join(", ")}`,
      );
    const abort = new AbortController();
    under.set(String(id), abort);
    try {
      const { ok, body } = await options.call(name, params["arguments"] ?? {}, abort.signal);
      // A call that was taken back gets no answer.
      if (abort.signal.aborted) return null;
      const text = JSON.stringify(body);
      return result(id, {
        content: [{ type: "text", text }],
        ...(isRecord(body) ? { structuredContent: body } : {}),
        isError: !ok,
      });
    } finally {
      under.delete(String(id));
    }
  }

  return { take };
}

/** The client's version where it is one of ours; otherwise our newest, and the client decides whether to go on. */
function negotiate(wanted: unknown): string {
  const known: readonly string[] = MCP_VERSIONS;
  return typeof wanted === "string" && known.includes(wanted) ? wanted : MCP_VERSIONS[0];
}

type Id = string | number | null;

function idOf(message: Record<string, unknown>): Id {
  const { id } = message;
  return typeof id === "string" || typeof id === "number" ? id : null;
}

function result(id: Id, value: unknown): string {
  return JSON.stringify({ jsonrpc: "2.0", id, result: value });
}

function error(id: Id, code: number, message: string): string {
  return JSON.stringify({ jsonrpc: "2.0", id, error: { code, message } });
}
