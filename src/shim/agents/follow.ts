/** Reads what an agent's program prints, within bounds, and tells how it ended. */
import { constants } from "node:os";
import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import type { AgentSpec } from "../../core/model/clone.ts";
import type { AgentStart } from "./agent.ts";
import { type AgentExit, keepTail } from "./signature.ts";
import type { Spawned } from "./spawn.ts";

/** An agent that prints faster is made to wait: its pipe is not read until the next second. */
const OUTPUT_BYTES_PER_SECOND_MAX = 2 * 1024 * 1024;
/** Somebody below the agent may hold its output open after its end. */
const DRAIN_MS = 500;
const STDERR_TAIL_LENGTH = 4_000;

/** Reads both outputs to their end and then calls `onExit`, once. Standard error goes to the transcript, its end to the exit. */
export function follow(
  spawned: Spawned,
  {
    start,
    lines,
    onExit,
  }: {
    readonly start: Pick<AgentStart, "intent" | "agent" | "transcript" | "onOutput">;
    /** Gets standard output; it is ended before `onExit`. */
    readonly lines: { push(chunk: Buffer): void; end(code: number | null): void };
    readonly onExit: (exit: AgentExit) => void;
  },
): void {
  const { child } = spawned;
  const stderrTail = keepTail(STDERR_TAIL_LENGTH);
  const decoder = new StringDecoder("utf8");
  const errors = start.transcript.open((text) => stderrTail.push(text));
  if (child.stdout !== null) pour(child.stdout, start.onOutput, (chunk) => lines.push(chunk));
  if (child.stderr !== null)
    pour(child.stderr, start.onOutput, (chunk) => errors.write(decoder.write(chunk)));

  let told = false;
  const finish = (code: number | null, signal: NodeJS.Signals | null): void => {
    if (told) return;
    told = true;
    child.stdout?.destroy();
    child.stderr?.destroy();
    lines.end(code);
    errors.end();
    const ending =
      start.intent.containment.pidns === null
        ? { code, signal }
        : throughInit({ code, signal }, { stderr: stderrTail.text(), agent: start.agent });
    onExit({ ...ending, stderrTail: stderrTail.text() });
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
