/**
 * The *command* adapter: any program as an agent. It finds its mission in a file,
 * may print JSON lines to be understood (`specs/agent-lines-v1.md`), and needs to know
 * nothing else about us.
 */
import { join } from "node:path";
import { PROMPT_PLACE } from "../../core/model/clone.ts";
import type { Agent, AgentAdapter, AgentInput, AgentProgram, AgentStart } from "./agent.ts";
import { type Begun, beginContained, openContainer } from "./container.ts";
import { follow } from "./follow.ts";
import { createOutputLines } from "./output/output-lines.ts";
import { promptText, withPrompt } from "./prompt.ts";
import type { AgentExit } from "./signature.ts";
import { cleanEnvironment, factoryFolder, type Spawned, type SpawnOptions } from "./spawn.ts";
import { missionFile, writeMission, writeOurs, writeTools } from "./workspace-files.ts";

/** Said to an agent that does not read, beyond what its pipe holds. */
const UNREAD_BYTES_MAX = 256 * 1024;

export const commandAdapter: AgentAdapter = {
  /** For an agent that does not resume anything, and whose command does not depend on its mission. */
  open(program) {
    if (program.agent.command.some((part) => part.includes(PROMPT_PLACE))) return null;
    const env = environmentOf(program, { resumes: false });
    return openContainer({ ...programOf(program), env });
  },
  start,
};

function programOf({ intent, agent }: AgentProgram): Pick<SpawnOptions, "intent" | "argv" | "stdin"> {
  return { intent, argv: agent.command, stdin: agent.stdin === "none" ? "ignore" : "pipe" };
}

function environmentOf(
  { intent, agent, secrets, ours }: AgentProgram,
  { resumes }: { readonly resumes: boolean },
): Readonly<Record<string, string>> {
  return cleanEnvironment(intent, {
    ...agent.env,
    ...secrets,
    FACTORY_MISSION: missionFile(intent.workspace),
    ...(resumes ? { FACTORY_RESUME: "1" } : {}),
    ...ours,
  });
}

function start(options: AgentStart): void {
  writeMission(options.intent, options.envelope);
  writeTools(options.intent);
  const prompt = promptText(options.envelope, options);
  writeOurs(options.intent, { path: promptFile(options.intent.workspace), mode: 0o600 }, prompt);
  const program = programOf(options);
  const argv = withPrompt(program.argv, prompt);
  const begun = beginContained(
    { ...program, argv, env: environmentOf(options, options) },
    { opened: options.container, onRecord: options.onRecord },
  );
  if ("why" in begun) {
    void begun.why.then(({ message }) => {
      options.transcript.note(message);
      options.onExit({ code: 127, signal: null, stderrTail: message });
    });
    return;
  }
  options.onStart(controls(begun));
  begun.enter();
  listen(begun.spawned, options);
}

function controls({ spawned, record, end }: Begun): Agent {
  const { child } = spawned;
  child.stdin?.on("error", () => {}); // The agent may close its input whenever it likes.
  return {
    pid: spawned.outer.pid,
    record,
    say(said) {
      const input = child.stdin;
      if (input === null || !input.writable) return "closed";
      if (input.writableLength > UNREAD_BYTES_MAX) return "full";
      input.write(`${JSON.stringify(lineOf(said))}\n`);
      return "said";
    },
    cancel() {
      if (child.stdin?.writable === true) child.stdin.write('{"type":"cancel"}\n');
    },
    end,
  };
}

/** As `specs/agent-lines-v1.md` has it. */
function lineOf(input: AgentInput): object {
  return input.type === "pause" ? { type: "pause", grace_seconds: input.graceMs / 1_000 } : input;
}

/** Reads what it prints: each line that is understood is an event, and the rest is transcript. */
function listen(spawned: Spawned, start: AgentStart): void {
  const plain = start.transcript.open();
  const lines = createOutputLines(start.agent.output, {
    onEvent: start.onEvent,
    write: (text) => plain.write(text),
  });
  const onExit = (exit: AgentExit): void => {
    plain.end();
    start.onExit(exit);
  };
  follow(spawned, { start, lines, onExit });
}

/** The same that `{prompt}` stands for. */
function promptFile(workspace: string): string {
  return join(factoryFolder(workspace), "prompt.md");
}
