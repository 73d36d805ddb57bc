/** From the first message to a session that stands as its clone wants it. */
import type { InitializeRequest, NewSessionRequest } from "@agentclientprotocol/sdk";
import { isRecord } from "../../../instance/files.ts";
import type { AgentStart } from "../agent.ts";
import { meaningOfError } from "./prompt-error.ts";
import type { Peer, RpcError } from "./rpc.ts";
import { createStanding, type OpenedSession, openSession, setUp } from "./session-setup.ts";

export type Introduction =
  | {
      readonly ok: true;
      readonly session: OpenedSession;
      /** It frees what it holds when its session is closed. */
      readonly closes: boolean;
    }
  | { readonly ok: false; readonly problem: Problem };

export type Problem =
  | { readonly type: "unauthorized" }
  /** No restart cures it: its clone has to change. */
  | { readonly type: "failed"; readonly reason: string }
  /** It does not answer, or not in this language: it may be started again. */
  | { readonly type: "broken"; readonly why: string };

const PROTOCOL_VERSION = 1;
const INITIALIZE_MS_MAX = 120_000;
const AUTHENTICATE_MS_MAX = 120_000;

/** Files and terminals are the agent's own, inside of its containment: of a client it needs neither. */
const INITIALIZE: InitializeRequest = {
  protocolVersion: PROTOCOL_VERSION,
  clientInfo: { name: "factory", version: "1" },
  clientCapabilities: {
    fs: { readTextFile: false, writeTextFile: false },
    terminal: false,
    elicitation: { form: {} },
  },
};

export async function introduce(
  peer: Peer,
  {
    start,
    known,
    onReplay,
    onStanding,
  }: {
    readonly start: AgentStart;
    /** The session that an earlier agent of the mission had. */
    readonly known: string | null;
    readonly onReplay: (replays: boolean) => void;
    /** Told as soon as there is one: what the session tells of itself from now on is its to know. */
    readonly onStanding: (standing: ReturnType<typeof createStanding>) => void;
  },
): Promise<Introduction> {
  const hello = await peer.request("initialize", INITIALIZE, INITIALIZE_MS_MAX);
  if (!hello.ok) return { ok: false, problem: problemOf("initialize", hello.error) };
  const { protocolVersion, agentCapabilities } = hello.result;
  if (protocolVersion !== PROTOCOL_VERSION)
    return failed(
      `the agent speaks version ${String(protocolVersion)} of the Agent Client Protocol; ${PROTOCOL_VERSION} is spoken here`,
    );
  const capabilities = isRecord(agentCapabilities) ? agentCapabilities : {};
  const { acp: settings = {} } = start.agent;
  if (settings.auth !== undefined) {
    const answer = await peer.request("authenticate", { methodId: settings.auth }, AUTHENTICATE_MS_MAX);
    if (!answer.ok) return { ok: false, problem: problemOf("authenticate", answer.error) };
  }
  const opened = await openSession(peer, {
    place: placeOf(start),
    known,
    capabilities,
    note: (text) => start.transcript.note(text),
    onReplay,
  });
  if (!opened.ok) return { ok: false, problem: problemOf("session/new", opened.error) };
  const { session } = opened;
  const standing = createStanding(session);
  onStanding(standing);
  const wrong = await setUp(peer, session.sessionId, { settings, standing });
  if (wrong !== null) return failed(`the agent's session is not as its clone wants it: ${wrong}`);
  const { sessionCapabilities } = capabilities;
  return {
    ok: true,
    session,
    closes: isRecord(sessionCapabilities) && isRecord(sessionCapabilities["close"]),
  };
}

/** Its workspace, and the tools of its shim. */
function placeOf({ intent, ours }: AgentStart): NewSessionRequest {
  const { FACTORY_TOOLS_MCP: program = "", FACTORY_TOOLS_SOCKET: socket = "" } = ours;
  return {
    cwd: intent.workspace,
    mcpServers: [
      {
        name: "factory",
        command: process.execPath,
        args: [program],
        env: [{ name: "FACTORY_TOOLS_SOCKET", value: socket }],
      },
    ],
  };
}

function problemOf(method: string, error: RpcError): Problem {
  const { type } = meaningOfError(error);
  if (type === "unauthorized") return { type };
  return { type: "broken", why: `${method} was answered with an error: ${error.message}` };
}

function failed(reason: string): Introduction {
  return { ok: false, problem: { type: "failed", reason } };
}
