/** What an agent prints: in this process line by line, and through a real shim. */
import fc from "fast-check";
import { parseAgentLine } from "../../../src/shim/agents/agent-line.ts";
import { LINE_LENGTH_MAX, splitLines } from "../../../src/shim/agents/lines.ts";
import { until } from "../../support/until.ts";
import { openShim } from "../instance.ts";
import { memoryOf } from "../memory.ts";
import { changedJson, mutated } from "../mutate.ts";
import { type Target, within } from "../target.ts";

const LINES: readonly object[] = [
  { type: "progress", summary: "half", percent: 50 },
  { type: "usage", llm_calls: 3, cost_usd: 0.25, semantics: "delta", source: "a" },
  { type: "usage", tokens: { "claude-opus-4.5": { input: 52_000, output: 1_800, cache_read: 40_000 } } },
  { type: "artifact", path: "out/a.txt" },
  { type: "blocked", reason: "no key", needs: "a key" },
  { type: "unblocked" },
  { type: "turn_ended" },
  { type: "tool_start", id: "1", name: "shell", deadline_seconds: 5, arguments: { a: 1 } },
  { type: "tool_end", id: "1", result: "x", error: "y" },
  { type: "message", text: "hello" },
  { type: "tool", id: "t", tool: "claim_action", arguments: { action: "a", target: "b" } },
  { type: "throttled", retry_after_ms: 1, account: "acme" },
];
/** Beyond it a text of an agent's is cut. */
const SAID_MAX = 256 * 1024;

/** What is printed, in these pieces. */
interface Given {
  readonly bytes: Buffer;
  readonly cuts: readonly number[];
}

export async function linesTarget(): Promise<Target<Given>> {
  const shim = await openShim();
  let marks = 0;
  const bytes = fc
    .array(
      fc.oneof(
        changedJson(LINES),
        mutated(
          LINES.map((line) => JSON.stringify(line)),
          ["progress", "usage", '"type"', "\r", "\u001b[2J", "\ud800"],
        ),
      ),
      { minLength: 1, maxLength: 8 },
    )
    .map((lines) => Buffer.concat(lines.flatMap((line) => [line, Buffer.from("\n")])));
  return {
    inputs: fc.record({ bytes, cuts: fc.array(fc.nat(5_000), { maxLength: 4 }) }),
    async feed({ bytes: printed, cuts }) {
      const whole = linesOf([printed]);
      const pieces = linesOf(cutAt(printed, cuts));
      if (JSON.stringify(whole) !== JSON.stringify(pieces)) throw new Error("other pieces, other lines");
      for (const line of whole) {
        const said = parseAgentLine(line);
        if (said !== null && JSON.stringify(said, replacer).length > SAID_MAX)
          throw new Error("more than anybody says");
      }
      if (!shim.alive()) await shim.renew();
      await within(shim.print(printed), "the agent's output is not taken");
    },
    async sane() {
      if (!shim.alive()) await shim.renew();
      marks += 1;
      const mark = `still-read-${process.pid}-${marks}`;
      await within(shim.print(Buffer.from(`\n${mark}\n`)), "the agent's output is not taken");
      // An input may have ended the agent by rights: a word of completion, or a failure.
      await until(() => shim.transcript().includes(mark) || !shim.alive(), "the shim to read on");
    },
    memory: () => memoryOf(shim.pid),
    show: ({ bytes: printed }) => printed.toString("base64"),
    close: () => shim.close(),
  };
}

function linesOf(pieces: readonly Buffer[]): readonly string[] {
  const lines: string[] = [];
  const splitter = splitLines({
    line: (text) => {
      if (text.length > LINE_LENGTH_MAX) throw new Error("a line that is too long");
      lines.push(text);
    },
    piece: () => {},
  });
  for (const piece of pieces) splitter.push(piece);
  splitter.end();
  return lines;
}

function cutAt(bytes: Buffer, cuts: readonly number[]): readonly Buffer[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((to, index) => bytes.subarray(places[index], to));
}

function replacer(_key: string, value: unknown): unknown {
  return value instanceof Map ? [...value] : value;
}
