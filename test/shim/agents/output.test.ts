/** What real agents printed, recorded at the versions of their recipes, and what is understood of it. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { AgentOutput } from "../../../src/core/model/clone.ts";
import type { AgentEvent } from "../../../src/shim/agents/agent.ts";
import { createOutputLines } from "../../../src/shim/agents/output/output-lines.ts";

const RECORDED: readonly (readonly [string, AgentOutput, Codes])[] = [
  ["claude-code", "claude-stream-json", { unauthorized: 1, refused: 1 }],
  ["codex", "codex-json", { unauthorized: 1, refused: 1 }],
  ["gemini", "gemini-stream-json", { unauthorized: 145, refused: 144 }],
  ["opencode", "opencode-json", { unauthorized: 1, refused: 1 }],
  ["copilot", "copilot-json", { unauthorized: 1, refused: 1 }],
  ["pi", "pi-json", { unauthorized: 0, refused: 0 }],
];

interface Codes {
  readonly unauthorized: number;
  readonly refused: number;
}

function recording(agent: string, what: string): string {
  return readFileSync(new URL(`./recordings/${agent}.${what}.jsonl`, import.meta.url), "utf8");
}

function understood(
  output: AgentOutput | undefined,
  text: string,
  code: number | null,
): { readonly events: readonly AgentEvent[]; readonly transcript: string } {
  const events: AgentEvent[] = [];
  let transcript = "";
  const lines = createOutputLines(output, {
    onEvent: (event) => events.push(event),
    write: (piece) => {
      transcript += piece;
    },
  });
  // Cut anywhere, as a pipe does.
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += 997) lines.push(bytes.subarray(at, at + 997));
  lines.end(code);
  return { events, transcript };
}

const typesOf = (events: readonly AgentEvent[]): readonly string[] => events.map(({ type }) => type);
const callsOf = (events: readonly AgentEvent[]): number =>
  events.reduce((sum, event) => {
    if (event.type !== "usage" || event.llmCalls === null) return sum;
    return event.semantics === "delta" ? sum + event.llmCalls : Math.max(sum, event.llmCalls);
  }, 0);

describe.each(RECORDED)("%s", (agent, output, codes) => {
  it("is completed by its own result, after two calls of a tool that went well", () => {
    const text = recording(agent, "works");
    const { events, transcript } = understood(output, text, 0);
    expect(events.at(-1)).toMatchObject({ type: "completed", summary: "DONE after 2 tool results" });
    expect(typesOf(events).filter((type) => type === "completed" || type === "failed")).toHaveLength(1);
    const ended = events.filter((event) => event.type === "tool_end");
    expect(ended).toMatchObject([{ error: null }, { error: null }]);
    const began = events.filter((event) => event.type === "tool_start");
    expect(began.map(({ id }) => id)).toEqual(ended.map(({ id }) => id));
    expect(JSON.stringify(began[1]?.arguments)).toContain("sed -i");
    expect(JSON.stringify(ended[1]?.result)).toContain("pass 1");
    expect(transcript).toBe(text);
  });

  it("says of refused credentials that they are, and nothing of its mission", () => {
    const { events } = understood(output, recording(agent, "unauthorized"), codes.unauthorized);
    expect(events.filter(({ type }) => type === "failed")[0]).toEqual({ type: "failed", reason: "auth" });
    expect(typesOf(events)).not.toContain("completed");
  });

  it("fails by a refused call, with the words of the refusal", () => {
    const { events } = understood(output, recording(agent, "refused"), codes.refused);
    expect(events.at(-1)).toMatchObject({
      type: "failed",
      reason: expect.stringContaining("refused with 400"),
    });
  });

  it("that is cut off before its result has said none, whatever its program ends with", () => {
    const lines = recording(agent, "works").trim().split("\n");
    const { events } = understood(output, `${lines.slice(0, 5).join("\n")}\n`, 0);
    expect(typesOf(events)).not.toContain("completed");
    expect(typesOf(events)).not.toContain("failed");
  });

  it("understands nothing of what is made up, and keeps it", () => {
    const nonsense = [
      "plain words",
      "{",
      "[]",
      "null",
      '{"type":"result"}',
      '{"type":"item.completed","item":7}',
      '{"type":"assistant","message":{"content":"no list"}}',
      '{"type":"turn.failed","error":null}',
      '{"type":"agent_end","messages":[null,3]}',
      '{"type":"completed","summary":"a line for another output"}',
      '{"type":"tool_use","part":{"state":[]}}',
    ].join("\n");
    const { events, transcript } = understood(output, `${nonsense}\n`, 1);
    expect(typesOf(events)).not.toContain("completed");
    expect(transcript).toBe(`${nonsense}\n`);
  });
});

describe("what they say of their usage", () => {
  it("is kept as reported: how many calls, and by some not even that", () => {
    const calls = RECORDED.map(([agent, output]) => [
      agent,
      callsOf(understood(output, recording(agent, "works"), 0).events),
    ]);
    expect(Object.fromEntries(calls)).toEqual({
      "claude-code": 3,
      codex: 0,
      gemini: 0,
      // Its title is a call that it does not tell.
      opencode: 3,
      copilot: 3,
      pi: 3,
    });
  });

  it("has tokens by model, or a cost, where they say it", () => {
    const of = (agent: string, output: AgentOutput) =>
      understood(output, recording(agent, "works"), 0).events.filter((event) => event.type === "usage");
    expect(of("claude-code", "claude-stream-json").at(-1)).toMatchObject({ costUsd: 0.015 });
    expect(of("gemini", "gemini-stream-json").at(-1)?.tokens?.get("gemini-2.5-flash")).toEqual({
      input: 3_000,
      output: 150,
      cacheRead: 0,
      cacheWrite: 0,
    });
    expect([...(of("codex", "codex-json").at(-1)?.tokens?.values() ?? [])]).toEqual([
      { input: 3_000, output: 150, cacheRead: 0, cacheWrite: 0 },
    ]);
  });
});

it("a wait for its provider is told while it lasts", () => {
  const line =
    '{"type":"system","subtype":"api_retry","attempt":1,"retry_delay_ms":19161.7,"error_status":429}\n';
  expect(understood("claude-stream-json", line, null).events).toEqual([
    { type: "throttled", retryAfterMs: 19_161, account: null },
  ]);
});

it("a line longer than any of an agent is transcript, and the next one is understood", () => {
  const long = `{"type":"text","part":{"text":"${"x".repeat(4 * 1024 * 1024)}"}}\n`;
  const { events, transcript } = understood("codex-json", `${long}${recording("codex", "works")}`, 0);
  expect(events.at(-1)?.type).toBe("completed");
  expect(transcript.startsWith(long)).toBe(true);
});
