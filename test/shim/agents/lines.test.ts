import { describe, expect, it } from "vitest";
import { DAY_MS } from "../../../src/core/model/time.ts";
import { meaningOf, retryAfter, waitAfterFailure } from "../../../src/core/notify/schedule.ts";
import { TEXT_LENGTH_MAX } from "../../../src/shim/agents/agent.ts";
import { parseAgentLine } from "../../../src/shim/agents/agent-line.ts";
import { LINE_LENGTH_MAX, splitLines } from "../../../src/shim/agents/lines.ts";
import { crashSignature } from "../../../src/shim/agents/signature.ts";

const COUNTED = { semantics: "cumulative", source: "agent", tokens: new Map() };

describe("lines of an agent", () => {
  it.each([
    ['{"type":"accepted"}', { type: "accepted" }],
    ['{"type":"progress","summary":"a","percent":40}', { type: "progress", summary: "a", percent: 40 }],
    ['{"type":"progress","summary":"a","percent":4000}', { type: "progress", summary: "a", percent: null }],
    ['{"type":"usage","llm_calls":2}', { type: "usage", llmCalls: 2, costUsd: null, ...COUNTED }],
    ['{"type":"usage","cost_usd":-1}', { type: "usage", llmCalls: null, costUsd: null, ...COUNTED }],
    // Nobody has used so much: it would not fit the meters of whole numbers, nor any message.
    [
      '{"type":"usage","llm_calls":1e300,"cost_usd":1e308}',
      { type: "usage", llmCalls: null, costUsd: null, ...COUNTED },
    ],
    [
      '{"type":"usage","tokens":{"opus":{"input":10,"output":2}}}',
      {
        type: "usage",
        llmCalls: null,
        costUsd: null,
        ...COUNTED,
        tokens: new Map([["opus", { input: 10, output: 2, cacheRead: 0, cacheWrite: 0 }]]),
      },
    ],
    [
      '{"type":"throttled","retry_after_ms":1e300}',
      { type: "throttled", retryAfterMs: DAY_MS, account: null },
    ],
    [
      '{"type":"tool_start","id":"t","deadline_seconds":1e300}',
      { type: "tool_start", id: "t", deadlineMs: DAY_MS, name: null, arguments: undefined },
    ],
    [
      '{"type":"usage","cost_usd":0.1,"semantics":"delta","source":"scout"}',
      { type: "usage", llmCalls: null, costUsd: 0.1, semantics: "delta", source: "scout", tokens: new Map() },
    ],
    ['{"type":"blocked","reason":"r","needs":"n"}', { type: "blocked", reason: "r", needs: "n" }],
    [
      '{"type":"tool_start","id":"t","deadline_seconds":1.5}',
      { type: "tool_start", id: "t", deadlineMs: 1_500, name: null, arguments: undefined },
    ],
    [
      '{"type":"tool_start","id":"t","name":"shell","arguments":{"command":"ls"}}',
      { type: "tool_start", id: "t", deadlineMs: null, name: "shell", arguments: { command: "ls" } },
    ],
    [
      '{"type":"tool_end","id":"t","result":["a"]}',
      { type: "tool_end", id: "t", result: ["a"], error: null },
    ],
    [
      '{"type":"tool_end","id":"t","error":"no such file"}',
      { type: "tool_end", id: "t", result: undefined, error: "no such file" },
    ],
    [
      '{"type":"tool_end","id":"t","error":true}',
      { type: "tool_end", id: "t", result: undefined, error: "failed" },
    ],
    ['{"type":"message","text":"let me think"}', { type: "message", text: "let me think" }],
    [
      '{"type":"completed","artifacts":["a",1]}',
      { type: "completed", summary: "completed", artifacts: ["a"] },
    ],
    ['{"type":"failed"}', { type: "failed", reason: "no reason given" }],
  ])("understands %s", (line, message) => {
    expect(parseAgentLine(line)).toEqual(message);
  });

  it.each([
    "plain",
    "{",
    "{}",
    "[]",
    '{"type":"other"}',
    '{"type":"progress"}',
    '{"type":"blocked","reason":""}',
    '{"type":"usage","llm_calls":3,"semantics":"guess"}',
    ' {"type":"accepted"}',
  ])("takes %s for transcript", (line) => expect(parseAgentLine(line)).toBeNull());

  it("cuts a text that is too long", () => {
    const line = parseAgentLine(JSON.stringify({ type: "failed", reason: "x".repeat(100_000) }));
    expect(line).toMatchObject({ type: "failed" });
    expect(JSON.stringify(line).length).toBeLessThan(TEXT_LENGTH_MAX + 100);
  });

  it("finds lines across chunks and characters, and never holds an endless one", () => {
    const lines: string[] = [];
    let pieces = 0;
    const splitter = splitLines({
      line: (text) => lines.push(text),
      piece: (text) => {
        pieces += text.length;
      },
    });
    const umlaut = Buffer.from("ä");
    splitter.push(Buffer.concat([Buffer.from("on"), umlaut.subarray(0, 1)]));
    splitter.push(Buffer.concat([umlaut.subarray(1), Buffer.from("e\ntwo")]));
    splitter.push(Buffer.from("\n"));
    for (let n = 0; n < 10; n += 1) splitter.push(Buffer.alloc(LINE_LENGTH_MAX, "x"));
    splitter.push(Buffer.from("\nlast"));
    splitter.end();
    expect(lines).toEqual(["onäe", "two", "last"]);
    expect(pieces).toBe(10 * LINE_LENGTH_MAX + 1);
  });
});

describe("deliveries", () => {
  it("waits longer after every failure, with full jitter, up to an hour", () => {
    const ceilings = [1, 2, 3, 4, 5, 6, 7, 50].map((failures) => waitAfterFailure(failures, 1) / 1_000);
    expect(ceilings).toEqual([5, 30, 120, 600, 1_800, 3_600, 3_600, 3_600]);
    expect(waitAfterFailure(3, 0)).toBe(0);
  });

  it("obeys Retry-After in both of its forms, within reason", () => {
    expect(retryAfter("7", 0)).toBe(7_000);
    expect(retryAfter("Thu, 01 Jan 1970 00:00:09 GMT", 2_000)).toBe(7_000);
    expect(retryAfter("soon", 0)).toBeNull();
    expect(retryAfter(undefined, 0)).toBeNull();
    expect(retryAfter("999999", 0)).toBe(3_600_000);
  });

  it.each([
    [200, "done"],
    [204, "done"],
    [208, "done"],
    [408, "retry"],
    [425, "retry"],
    [429, "retry"],
    [500, "retry"],
    [0, "retry"],
    [410, "gone"],
    [400, "refused"],
    [403, "refused"],
    [413, "refused"],
  ])("takes %i for %s", (status, verdict) => expect(meaningOf(status)).toBe(verdict));
});

describe("crash signatures", () => {
  const crash = {
    code: 1,
    signal: null,
    stderrTail: "Error: lost 10.0.0.1:5432 at 0xdeadbeef\n  at f (a.js:10:3)\n",
  };

  it("are equal for what differs only in numbers, ids and addresses", () => {
    const again = { ...crash, stderrTail: "Error: lost 10.0.0.7:1234 at 0xcafe\n  at f (a.js:11:9)\n" };
    expect(crashSignature(again)).toBe(crashSignature(crash));
  });

  it("differ by exit, signal and message", () => {
    const others = [
      { ...crash, code: 2 },
      { ...crash, code: null, signal: "SIGSEGV" },
      { ...crash, stderrTail: "Error: out of memory\n" },
    ];
    expect(new Set([crash, ...others].map(crashSignature)).size).toBe(4);
  });
});
