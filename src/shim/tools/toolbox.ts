/** The tools of one instance with their two doors: the agent's lines, and the socket in its workspace. */
import { rmSync } from "node:fs";
import type { Redactor } from "../../core/model/redact.ts";
import type { Intent } from "../../instance/claim.ts";
import { openRemembered } from "../../instance/remembered-actions.ts";
import { toolsLink } from "../../instance/tools-link.ts";
import type { Transcript } from "../../instance/transcript.ts";
import type {
  AgentEvent,
  AgentInput,
  Approval,
  ApprovalQuestion,
  Said,
  ToolOutcome,
} from "../agents/agent.ts";
import { giveFile } from "../agents/ownership.ts";
import type { Clocks } from "../session/clocks.ts";
import { awaitApproval } from "./await-approval.ts";
import { createLedger } from "./ledger.ts";
import { createActionMemory } from "./memory.ts";
import { serveTools, type ToolsServer } from "./server.ts";
import { createTools } from "./tools.ts";

/** EX_UNAVAILABLE, as in sysexits.h: how an agent ends that cannot be offered its tools. */
export const EXIT_NO_TOOLS = 69;

export interface Toolbox {
  /** Listens on the socket. Before the first agent is started. */
  open(): Promise<void>;
  /**
   * An agent is about to start. What an earlier one of the same instance had asked is not answered any more; what
   * that one had claimed, this one has to look at.
   */
  begin(): void;
  /** Answers a line of the agent's on its input, in whatever order the answers come. */
  answer(line: Extract<AgentEvent, { type: "tool" }>): void;
  /** Asks people about one exact action on behalf of the agent that runs, until they have decided (`AgentStart.askApproval`). */
  askApproval(question: ApprovalQuestion, signal: AbortSignal): Promise<Approval>;
  close(): void;
}

export function createToolbox(options: {
  readonly instanceDirectory: string;
  readonly intent: Intent;
  /** Where it listens (`toolsSocket`). */
  readonly socket: () => string;
  readonly token: string;
  readonly callbackUrl: () => string;
  readonly clocks: Clocks;
  readonly redactor: Redactor;
  readonly transcript: Transcript;
  readonly onReached: () => void;
  readonly onFenced: () => void;
  /** Passes on what the agent said; false when the mission is over. */
  readonly say: (line: AgentEvent) => boolean;
  /** Hands the answer to a tool call to the agent that asked. */
  readonly reply: (result: AgentInput) => Said;
}): Toolbox {
  const { intent, transcript } = options;
  const { callbackUrl, token, onReached, onFenced } = options;
  const ledger = createLedger({ callbackUrl, token, onReached, onFenced });
  const { clocks, redactor, say } = options;
  const memory = createActionMemory(openRemembered(options.instanceDirectory));
  const tools = createTools({ workspace: intent.workspace, ledger, clocks, redactor, memory, say });
  let server: ToolsServer | null = null;
  /** Of the agent that runs: whoever came before it gets no answer. */
  let life = new AbortController();

  return {
    async open() {
      const socket = options.socket();
      server = await serveTools({ socket, tools });
      const user = intent.containment.sandbox?.user ?? null;
      if (user !== null) giveFile(socket, user);
    },
    begin() {
      life.abort();
      life = new AbortController();
      tools.begin();
    },
    answer({ id, tool, arguments: given }) {
      const { signal } = life;
      void tools.call(tool, given, signal).then((answer) => {
        if (signal.aborted) return;
        const said = options.reply({ type: "tool_result", id, ...shown(answer) });
        if (said === "full")
          transcript.note(`the answer to tool call ${id} was dropped: the agent does not read its input`);
      });
    },
    askApproval: (question, signal) =>
      awaitApproval((asked, until) => tools.call("request_approval", asked, until), {
        question,
        signal: AbortSignal.any([signal, life.signal]),
      }),
    close() {
      life.abort();
      tools.close();
      server?.close();
      rmSync(toolsLink(intent.nonce), { force: true });
    },
  };
}

function shown(answer: Awaited<ReturnType<ReturnType<typeof createTools>["call"]>>): ToolOutcome {
  if (answer.ok) return { ok: true, result: answer.result };
  return { ok: false, error: { code: answer.code, message: answer.message } };
}
