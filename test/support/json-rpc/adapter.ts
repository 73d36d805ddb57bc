/**
 * An adapter that has nothing in common with `command` but the contract: its agents speak JSON-RPC over standard input
 * and output, get their mission as a request and end their turn by answering it.
 */
import type {
  Agent,
  AgentAdapter,
  AgentEvent,
  AgentInput,
  AgentStart,
} from "../../../src/shim/agents/agent.ts";
import { type Begun, beginContained } from "../../../src/shim/agents/container.ts";
import { splitLines } from "../../../src/shim/agents/lines.ts";
import { keepTail } from "../../../src/shim/agents/signature.ts";
import { cleanEnvironment, type Spawned } from "../../../src/shim/agents/spawn.ts";

const PROMPT = 1;

interface Incoming {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: { readonly outcome: "done" | "failed"; readonly text: string };
}

export const jsonRpcAdapter: AgentAdapter = {
  start(start) {
    const { intent, agent, secrets, ours } = start;
    const env = cleanEnvironment(intent, { ...agent.env, ...secrets, ...ours });
    const begun = beginContained(
      { intent, argv: agent.command, env },
      { opened: null, onRecord: start.onRecord },
    );
    if ("why" in begun)
      return void begun.why.then(({ message }) =>
        start.onExit({ code: 127, signal: null, stderrTail: message }),
      );
    const { spawned } = begun;
    const send = (message: object): void =>
      void spawned.child.stdin?.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
    spawned.child.stdin?.on("error", () => {});
    start.onStart(controls(begun, send));
    begun.enter();
    follow(spawned, start);
    const { mission_id: mission, objective } = start.envelope;
    send({ id: PROMPT, method: "prompt", params: { mission, objective, resumes: start.resumes } });
  },
};

function controls({ spawned, record, end }: Begun, send: (message: object) => void): Agent {
  return {
    pid: spawned.outer.pid,
    record,
    say(input: AgentInput) {
      if (spawned.child.stdin?.writable !== true) return "closed";
      const { type, ...params } = input;
      send({ method: `session/${type}`, params });
      return "said";
    },
    cancel: () => send({ method: "session/cancel" }),
    end,
  };
}

function follow({ child }: Spawned, start: AgentStart): void {
  const tail = keepTail(1_000);
  const plain = start.transcript.open();
  const lines = splitLines({
    line: (text) => take(text, start),
    piece: (text) => plain.write(text),
  });
  child.stdout?.on("data", (chunk: Buffer) => {
    start.onOutput();
    lines.push(chunk);
  });
  child.stderr?.on("data", (chunk: Buffer) => tail.push(chunk.toString("utf8")));
  child.on("close", (code, signal) => {
    lines.end();
    plain.end();
    start.onExit({ code, signal, stderrTail: tail.text() });
  });
}

function take(text: string, start: AgentStart): void {
  const message = JSON.parse(text) as Incoming;
  if (message.method === "session/update") start.onEvent(message.params as unknown as AgentEvent);
  if (message.id !== PROMPT || message.result === undefined) return;
  const { outcome, text: said } = message.result;
  start.onEvent({ type: "turn_ended" });
  if (outcome === "done") start.onEvent({ type: "completed", summary: said, artifacts: [] });
  else start.onEvent({ type: "failed", reason: said });
}
