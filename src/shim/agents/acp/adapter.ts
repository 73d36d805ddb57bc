/**
 * The *acp* adapter: agents that speak the Agent Client Protocol, version 1, on their input and output. What they are told
 * and what is understood of them is in this folder; this file starts the program and joins the two. Documented in `specs/agent-acp.md`.
 */
import type { Agent, AgentAdapter, AgentProgram, AgentStart } from "../agent.ts";
import { type Begun, beginContained, openContainer } from "../container.ts";
import { follow } from "../follow.ts";
import { splitLines } from "../lines.ts";
import type { AgentExit } from "../signature.ts";
import { cleanEnvironment } from "../spawn.ts";
import { missionFile, writeMission, writeTools } from "../workspace-files.ts";
import { type Conversation, createConversation } from "./conversation.ts";
import { createLeftovers } from "./leftovers.ts";

/** A message may carry a file that was changed, as it was and as it is. */
const MESSAGE_CHARS_MAX = 8 * 1024 * 1024;
/** Said to an agent that does not read, beyond what its pipe holds. */
const UNREAD_BYTES_MAX = 1024 * 1024;
/** Between the rungs for an agent that does not speak the protocol. */
const TERMINATE_MS = 3_000;
/** EX_PROTOCOL of sysexits.h, for an agent whose own code would look like an end in order. */
const EXIT_PROTOCOL = 76;

export const acpAdapter: AgentAdapter = {
  open: (program) => openContainer(programOf(program)),
  start,
};

function programOf({ intent, agent, secrets, ours }: AgentProgram): Parameters<typeof openContainer>[0] {
  const env = cleanEnvironment(intent, {
    ...agent.env,
    ...secrets,
    FACTORY_MISSION: missionFile(intent.workspace),
    ...ours,
  });
  return { intent, argv: agent.command, env, stdin: "pipe" };
}

function start(options: AgentStart): void {
  const { intent } = options;
  writeMission(intent, options.envelope);
  writeTools(intent);
  const begun = beginContained(programOf(options), {
    opened: options.container,
    onRecord: options.onRecord,
  });
  if ("why" in begun) {
    void begun.why.then(({ message }) => {
      options.transcript.note(message);
      options.onExit({ code: 127, signal: null, stderrTail: message });
    });
    return;
  }
  const conversation = createConversation({
    start: options,
    leftovers: createLeftovers(intent, begun.record),
    send: (message) => send(begun, message, options),
    endInput: () => begun.end("stdin"),
    terminate: () => terminate(begun),
  });
  options.onStart(controls(begun, conversation));
  begun.enter();
  listen(begun, conversation, options);
  conversation.begin();
}

function controls({ spawned, record, end }: Begun, conversation: Conversation): Agent {
  spawned.child.stdin?.on("error", () => {}); // The agent may close its input whenever it likes.
  return {
    pid: spawned.outer.pid,
    record,
    say: (input) => (spawned.child.stdin?.writable === true ? conversation.say(input) : "closed"),
    cancel: conversation.cancel,
    end,
  };
}

function send(begun: Begun, message: object, { transcript }: AgentStart): void {
  const { stdin } = begun.spawned.child;
  if (stdin === null || !stdin.writable) return;
  if (stdin.writableLength <= UNREAD_BYTES_MAX) return void stdin.write(`${JSON.stringify(message)}\n`);
  transcript.note("the agent does not read its input: it is ended");
  terminate(begun);
}

function terminate({ end }: Begun): void {
  end("stdin");
  setTimeout(() => end("sigterm"), TERMINATE_MS).unref();
  setTimeout(() => end("sigkill"), 2 * TERMINATE_MS).unref();
}

function listen({ spawned }: Begun, conversation: Conversation, options: AgentStart): void {
  const plain = options.transcript.open();
  const lines = splitLines(
    {
      line(text) {
        if (!conversation.take(text)) plain.write(`${text}\n`);
      },
      piece: (text) => plain.write(text),
    },
    MESSAGE_CHARS_MAX,
  );
  const onExit = (exit: AgentExit): void => {
    const why = conversation.end();
    plain.end();
    options.onExit(why === null ? exit : brokenOff(exit, why));
  };
  follow(spawned, { start: options, lines, onExit });
}

/** An end with 0, or by our own hand, says nothing of why. */
function brokenOff(exit: AgentExit, why: string): AgentExit {
  const stderrTail = `${exit.stderrTail}${why}\n`;
  return exit.code === 0 || exit.code === null
    ? { ...exit, code: exit.code === 0 ? EXIT_PROTOCOL : exit.code, stderrTail }
    : { ...exit, stderrTail };
}
