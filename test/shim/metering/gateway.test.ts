/** The gateway between an agent and its model: a real provider on the one side, a real client on the other. */
import { mkdtempSync, rmSync } from "node:fs";
import { type RequestOptions, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import type { ModelApiName } from "../../../src/core/model/clone.ts";
import type { Prices } from "../../../src/core/model/prices.ts";
import type { UsageReport } from "../../../src/shim/agents/agent.ts";
import {
  createGateway,
  type Gateway,
  newVirtualKey,
  type Obstacle,
} from "../../../src/shim/metering/gateway.ts";
import { createUsage } from "../../../src/shim/metering/usage.ts";
import {
  answerWell,
  CLAUDE,
  GEMINI,
  GPT,
  type ModelProvider,
  startModelProvider,
} from "../../support/model-provider.ts";
import { until } from "../../support/until.ts";

const KEY = "sk-real-0123456789";
const VIRTUAL = newVirtualKey();

let folder: string;
let provider: ModelProvider;
let gateway: Gateway | null;
let used: UsageReport[];
let notes: string[];
let waits: number[];
let obstacle: (underWay: number) => Obstacle | null;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "factory-gateway-"));
  provider = await startModelProvider();
  gateway = null;
  [used, notes, waits] = [[], [], []];
  obstacle = () => null;
});
afterEach(async () => {
  gateway?.close();
  await provider.close();
  rmSync(folder, { recursive: true });
});

async function open(api: ModelApiName, prices: Prices = {}, upstream = provider.url): Promise<void> {
  gateway = createGateway({
    model: { api, upstream, key: "KEY" },
    socket: join(folder, "model.sock"),
    virtualKey: VIRTUAL,
    key: KEY,
    prices,
    obstacle: (underWay) => obstacle(underWay),
    onListening() {},
    onUsed: (report) => void used.push(report),
    onThrottled: (ms) => void waits.push(ms),
    note: (text) => void notes.push(text),
  });
  await gateway.open();
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

function call(path: string, body: object | null, options: RequestOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        socketPath: join(folder, "model.sock"),
        path,
        method: body === null ? "GET" : "POST",
        headers: { authorization: `Bearer ${VIRTUAL}`, "content-type": "application/json" },
        ...options,
      },
      (incoming) => {
        let text = "";
        incoming.setEncoding("utf8");
        incoming.on("data", (chunk: string) => {
          text += chunk;
        });
        incoming.on("error", reject);
        incoming.on("end", () => resolve({ status: incoming.statusCode ?? 0, text }));
      },
    );
    outgoing.on("error", reject);
    outgoing.end(body === null ? undefined : JSON.stringify(body));
  });
}

const counted = (count: number): Promise<unknown> =>
  until(() => used.length === count || undefined, `${count} calls to be counted`);

/** What the provider itself gave, past the gateway. */
async function direct(path: string, body: object): Promise<string> {
  const answer = await fetch(`${provider.url}${path}`, { method: "POST", body: JSON.stringify(body) });
  return answer.text();
}

describe.each<[string, ModelApiName, string, string]>([
  ["Anthropic's messages", "anthropic", "/v1/messages", CLAUDE],
  ["OpenAI's chat", "openai", "/v1/chat/completions", GPT],
  ["OpenAI's responses", "openai", "/v1/responses", GPT],
  ["Gemini", "gemini", `/v1beta/models/${GEMINI}:generateContent`, GEMINI],
  ["Gemini's stream", "gemini", `/v1beta/models/${GEMINI}:streamGenerateContent?alt=sse`, GEMINI],
])("%s", (_, api, path, model) => {
  test.each([false, true])(
    "streams: %s. Its bytes pass as they are, and its tokens are counted",
    async (stream) => {
      // One dollar for a token that went in, a hundred for one from a cache, ten thousand for one that came out.
      const perMillion = 1_000_000 * 1_000_000;
      const price = {
        input: perMillion,
        cacheRead: 100 * perMillion,
        output: 10_000 * perMillion,
        cacheWrite: 0,
      };
      await open(api, { [model]: price });
      const asked = { model, stream, stream_options: { include_usage: true }, messages: [] };
      const { status, text } = await call(path, asked);
      expect(status).toBe(200);
      expect(text).toBe(await direct(path, asked));
      await counted(1);
      expect(used[0]).toMatchObject({ llmCalls: 1, costUsd: 7 + 300 + 50_000, trust: "metered" });
      expect(provider.calls[0]?.headers["authorization"]).toBe(`Bearer ${KEY}`);
    },
  );
});

test("where fleet.yaml has no price the pinned list has one; a model that nobody knows has none", async () => {
  await open("anthropic");
  await call("/v1/messages", { model: CLAUDE });
  await counted(1);
  // Sonnet 4.5, USD per million: 3 in, 0.30 from the cache, 15 out.
  expect(used[0]?.costUsd).toBeCloseTo((7 * 3 + 3 * 0.3 + 5 * 15) / 1e6, 5);
  provider.answer = (_asked, response) =>
    void response
      .writeHead(200, { "content-type": "application/json" })
      .end(JSON.stringify({ model: "house-model", usage: { input_tokens: 2, output_tokens: 1 } }));
  await call("/v1/messages", { model: "house-model" });
  await counted(2);
  expect(used[1]).toMatchObject({ llmCalls: 1, costUsd: null });
  expect(used[1]?.tokens?.get("house-model")).toMatchObject({ input: 2, output: 1 });
});

test("a stream of OpenAI's chat is asked for its usage where the agent does not", async () => {
  await open("openai");
  await call("/v1/chat/completions", { model: GPT, stream: true });
  await counted(1);
  expect(provider.calls[0]?.body["stream_options"]).toEqual({ include_usage: true });
  expect(used[0]?.costUsd).toBeGreaterThan(0);
});

describe("the key", () => {
  it.each<[string, RequestOptions["headers"], string]>([
    ["authorization", { authorization: `Bearer ${VIRTUAL}` }, `Bearer ${KEY}`],
    ["x-api-key", { "x-api-key": VIRTUAL }, KEY],
    ["x-goog-api-key", { "x-goog-api-key": VIRTUAL }, KEY],
  ])("is put where the agent has its own: %s", async (name, headers, real) => {
    await open("anthropic");
    expect((await call("/v1/messages", {}, { headers: headers ?? {} })).status).toBe(200);
    expect(provider.calls[0]?.headers[name]).toBe(real);
    expect(JSON.stringify(provider.calls[0]?.headers)).not.toContain(VIRTUAL);
  });

  it("stands in Gemini's query, too", async () => {
    await open("gemini");
    await call(`/v1beta/models/${GEMINI}:generateContent?key=${VIRTUAL}`, {}, { headers: {} });
    expect(provider.calls[0]?.path).toContain(`key=${KEY}`);
  });

  it.each<[string, RequestOptions["headers"]]>([
    ["none", {}],
    ["another", { authorization: "Bearer sk-guessed" }],
    ["the real one", { authorization: `Bearer ${KEY}` }],
    ["the right one and another", { authorization: `Bearer ${VIRTUAL}`, "x-api-key": "sk-own" }],
  ])("with %s nothing is sent", async (_, headers) => {
    await open("anthropic");
    expect((await call("/v1/messages", {}, { headers: headers ?? {} })).status).toBe(401);
    expect([provider.calls, used]).toEqual([[], []]);
  });
});

describe("what may pass", () => {
  it.each<[ModelApiName, string, object | null, number, number]>([
    ["anthropic", "/v1/messages/count_tokens", {}, 200, 0],
    ["anthropic", "/v1/models", null, 200, 0],
    ["openai", "/v1/images/generations", {}, 404, 0],
    ["openai", "/v1/files", {}, 404, 0],
    ["anthropic", "/v1/messages/batches", {}, 404, 0],
    ["anthropic", "/v1/messages", {}, 200, 1],
    ["gemini", `/v1beta/models/${GEMINI}:countTokens`, {}, 200, 0],
  ])("%s %s", async (api, path, body, status, calls) => {
    await open(api);
    expect((await call(path, body)).status).toBe(status);
    expect(provider.calls).toHaveLength(status === 404 ? 0 : 1);
    if (calls > 0) await counted(calls);
    expect(used).toHaveLength(calls);
  });

  it("is refused in the provider's words, and not as something to be repeated", async () => {
    await open("anthropic");
    obstacle = () => ({ why: "its epoch is fenced", passes: false });
    const { status, text } = await call("/v1/messages", {});
    expect([status, JSON.parse(text)]).toEqual([
      400,
      {
        type: "error",
        error: {
          type: "invalid_request_error",
          message: "Factory lets no model call through: its epoch is fenced",
        },
      },
    ]);
    expect(provider.calls).toEqual([]);
  });
});

test("of 40 calls at once on a budget of ten exactly ten are sent; the others wait, and go on after a raise", async () => {
  await open("anthropic");
  const totals = createUsage();
  const total = (): number => {
    for (const report of used.splice(0)) totals.take(report);
    return totals.llmCalls() ?? 0;
  };
  let limit = 10;
  const full: Obstacle = { why: "its mission may make 10 model calls", passes: true };
  obstacle = (underWay) => (total() + underWay >= limit ? full : null);
  const open40 = Array.from({ length: 40 }, () => call("/v1/messages", { model: CLAUDE }));
  await until(() => total() === 10 || undefined, "ten calls");
  expect(provider.calls).toHaveLength(10);
  limit = 40;
  await until(() => total() === 40 || undefined, "the rest");
  expect((await Promise.all(open40)).every(({ status }) => status === 200)).toBe(true);
  expect(provider.calls).toHaveLength(40);
});

test("a cut ends a stream that is under way and lets nothing more through; what was sent is counted", async () => {
  await open("anthropic");
  provider.answer = (_asked, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(
      `data: ${JSON.stringify({ type: "message_start", message: { model: CLAUDE, usage: { input_tokens: 9, output_tokens: 1 } } })}\n\n`,
    );
  };
  const stream = call("/v1/messages", { stream: true });
  stream.catch(() => {});
  await until(() => provider.calls.length === 1 || undefined, "the call");
  gateway?.cut();
  await expect(stream).rejects.toThrow();
  await counted(1);
  expect(used[0]?.llmCalls).toBe(1);
  expect((await call("/v1/messages", {})).status).toBe(400);
  expect(provider.calls).toHaveLength(1);
});

test("an agent that does not wait for the answer pays for it all the same", async () => {
  await open("anthropic");
  let finish = (): void => {};
  provider.answer = (asked, response) => {
    finish = () => answerWell(asked, response);
  };
  const outgoing = request({
    socketPath: join(folder, "model.sock"),
    path: "/v1/messages",
    method: "POST",
    headers: { authorization: `Bearer ${VIRTUAL}` },
  });
  outgoing.on("error", () => {});
  outgoing.end("{}");
  await until(() => provider.calls.length === 1 || undefined, "the call");
  outgoing.destroy();
  finish();
  await counted(1);
  expect(used[0]?.costUsd).toBeGreaterThan(0);
});

test("a provider that limits, fails or is away is told of as it is, and the call counts", async () => {
  await open("anthropic");
  provider.answer = (_asked, response) =>
    void response
      .writeHead(429, { "retry-after": "17", "content-type": "application/json" })
      .end('{"type":"error"}');
  expect(await call("/v1/messages", {})).toEqual({ status: 429, text: '{"type":"error"}' });
  await counted(1);
  expect(waits).toEqual([17_000]);
  provider.answer = (_asked, response) => void response.destroy();
  expect((await call("/v1/messages", {})).status).toBe(502);
  await counted(2);
  expect(used[1]).toMatchObject({ llmCalls: 1, costUsd: null });
  expect(notes.at(-1)).toContain("is not reached");
});
