/**
 * The *command* adapter: any program as an agent. It finds its mission in a file,
 * may print JSON lines to be understood (`specs/agent-lines-v1.md`), and needs to know
 * nothing else about us.
 */
import { renameSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { type AgentSpec, PROMPT_PLACE } from "../../core/model/clone.ts";
import type { Intent } from "../../instance/claim.ts";
import type { Agent, AgentAdapter, AgentInput, AgentProgram, AgentStart } from "./agent.ts";
import { type Begun, beginContained, openContainer } from "./container.ts";
import { createOutputLines } from "./output/output-lines.ts";
import { giveFile } from "./ownership.ts";
import { promptText, withPrompt } from "./prompt.ts";
import { type AgentExit, keepTail } from "./signature.ts";
import { cleanEnvironment, factoryFolder, type Spawned, type SpawnOptions } from "./spawn.ts";

/** An agent that prints faster is made to wait: its pipe is not read until the next second. */
const OUTPUT_BYTES_PER_SECOND_MAX = 2 * 1024 * 1024;
/** Somebody below the agent may hold its output open after its end. */
const DRAIN_MS = 500;
const STDERR_TAIL_LENGTH = 4_000;
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
  writeOurs(
    options.intent,
    { path: missionFile(options.intent.workspace), mode: 0o600 },
    missionText(options),
  );
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
  follow(begun.spawned, options);
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

/** Reads both outputs to their end and then tells how it went. */
function follow(spawned: Spawned, options: AgentStart): void {
  const { child } = spawned;
  const stderrTail = keepTail(STDERR_TAIL_LENGTH);
  const decoder = new StringDecoder("utf8");
  const plain = options.transcript.open();
  const errors = options.transcript.open((text) => stderrTail.push(text));
  const lines = createOutputLines(options.agent.output, {
    onEvent: options.onEvent,
    write: (text) => plain.write(text),
  });
  if (child.stdout !== null) pour(child.stdout, options.onOutput, (chunk) => lines.push(chunk));
  if (child.stderr !== null)
    pour(child.stderr, options.onOutput, (chunk) => errors.write(decoder.write(chunk)));

  let told = false;
  const finish = (code: number | null, signal: NodeJS.Signals | null): void => {
    if (told) return;
    told = true;
    child.stdout?.destroy();
    child.stderr?.destroy();
    lines.end(code);
    plain.end();
    errors.end();
    const ending =
      options.intent.containment.pidns === null
        ? { code, signal }
        : throughInit({ code, signal }, { stderr: stderrTail.text(), agent: options.agent });
    options.onExit({ ...ending, stderrTail: stderrTail.text() });
  };
  child.on("exit", (code, signal) => {
    const drain = setTimeout(() => finish(code, signal), DRAIN_MS);
    child.on("close", () => {
      clearTimeout(drain);
      finish(code, signal);
    });
  });
}

/** Hands chunks on, at most so many bytes a second. */
function pour(stream: Readable, onOutput: () => void, take: (chunk: Buffer) => void): void {
  let windowBegun = performance.now();
  let windowBytes = 0;
  stream.on("error", () => {});
  stream.on("data", (chunk: Buffer) => {
    onOutput();
    take(chunk);
    const now = performance.now();
    if (now - windowBegun >= 1_000) {
      windowBegun = now;
      windowBytes = 0;
    }
    windowBytes += chunk.length;
    if (windowBytes < OUTPUT_BYTES_PER_SECOND_MAX) return;
    stream.pause();
    setTimeout(() => stream.resume(), 1_000 - (now - windowBegun));
  });
}

/**
 * The namespace's first process can only report a signal as 128 plus its number, as shells do. When
 * it was killed itself, which only SIGKILL from outside can do, util-linux 2.38 trips over its
 * own signal mask and leaves with 1 and a message. A signal that ends nobody was a code, and so is what its clone names as one.
 */
function throughInit(
  ending: Pick<AgentExit, "code" | "signal">,
  { stderr, agent }: { readonly stderr: string; readonly agent: AgentSpec },
): Pick<AgentExit, "code" | "signal"> {
  const { code } = ending;
  if (code === 1 && /(^|\n)unshare: sigprocmask [^\n]*\n?$/.test(stderr))
    return { code: null, signal: "SIGKILL" };
  if (code === null || code <= 128 || agent.exitCodes?.[code] !== undefined) return ending;
  const name = Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0];
  return name === undefined || HARMLESS.has(name) ? ending : { code: null, signal: name };
}

/** Signals whose default is to be ignored, to stop or to go on (signal(7)): nobody dies of them. */
const HARMLESS: ReadonlySet<string> = new Set([
  "SIGCHLD",
  "SIGCONT",
  "SIGSTOP",
  "SIGTSTP",
  "SIGTTIN",
  "SIGTTOU",
  "SIGURG",
  "SIGWINCH",
]);

function missionFile(workspace: string): string {
  return join(factoryFolder(workspace), "mission.json");
}

/** The same that `{prompt}` stands for. */
function promptFile(workspace: string): string {
  return join(factoryFolder(workspace), "prompt.md");
}

function missionText({ envelope }: AgentStart): string {
  return `${JSON.stringify(envelope, null, 2)}\n`;
}

/** `factory-tools` by its name, for agents whose settings cannot name a variable. */
function writeTools(intent: Intent): void {
  const path = join(factoryFolder(intent.workspace), "bin", "factory-tools");
  writeOurs(
    intent,
    { path, mode: 0o700 },
    `#!/bin/sh\nexec '${process.execPath}' "$FACTORY_TOOLS_MCP" "$@"\n`,
  );
}

/** Never through a link that the agent may have put there: a new file takes its name. */
function writeOurs(
  { containment }: Intent,
  { path, mode }: { readonly path: string; readonly mode: number },
  text: string,
): void {
  const temporary = `${path}.${process.pid}.${process.hrtime.bigint()}`;
  writeFileSync(temporary, text, { flag: "wx", mode });
  const user = containment.sandbox?.user ?? null;
  if (user !== null) giveFile(temporary, user);
  renameSync(temporary, path);
}
