/** A provider of models for tests: a real HTTP server that answers in the form of each provider, and remembers what it was asked. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface ModelProvider {
  readonly url: string;
  readonly calls: readonly Asked[];
  /** How it answers from now on. */
  answer: (asked: Asked, response: ServerResponse) => void;
  close(): Promise<void>;
}

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Record<string, unknown>;
}

export const CLAUDE = "claude-sonnet-4-5";
export const GPT = "gpt-5.1";
export const GEMINI = "gemini-2.5-pro";

export async function startModelProvider(): Promise<ModelProvider> {
  const calls: Asked[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString("utf8");
      const asked: Asked = {
        method: request.method ?? "",
        path: request.url ?? "",
        headers: request.headers,
        body: text === "" ? {} : JSON.parse(text),
      };
      calls.push(asked);
      provider.answer(asked, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const provider: ModelProvider = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    answer: answerWell,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return provider;
}

/** Ten tokens in, five out, of which three were read from a cache; in one piece or as a stream, as it was asked. */
export function answerWell({ path, body }: Asked, response: ServerResponse): void {
  const streams = body["stream"] === true || path.includes("streamGenerateContent");
  const events = EVENTS.find(([pattern]) => pattern.test(path))?.[1](body) ?? [];
  if (events.length === 0) return void response.writeHead(200).end("{}");
  if (!streams) {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(WHOLE.find(([pattern]) => pattern.test(path))?.[1]));
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const event of events) {
    const { type } = event as { type?: string };
    response.write(`${type === undefined ? "" : `event: ${type}\n`}data: ${JSON.stringify(event)}\n\n`);
  }
  response.end();
}

type Events = (body: Record<string, unknown>) => readonly object[];

const RESPONSES_USAGE = { input_tokens: 10, output_tokens: 5, input_tokens_details: { cached_tokens: 3 } };
const CHAT_USAGE = { prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: { cached_tokens: 3 } };
const GEMINI_USAGE = { promptTokenCount: 10, candidatesTokenCount: 5, cachedContentTokenCount: 3 };

const EVENTS: readonly (readonly [RegExp, Events])[] = [
  [
    /^\/v1\/messages$/,
    () => [
      {
        type: "message_start",
        message: { model: CLAUDE, usage: { input_tokens: 7, cache_read_input_tokens: 3, output_tokens: 1 } },
      },
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "hello" } },
      { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 5 } },
      { type: "message_stop" },
    ],
  ],
  [
    /^\/v1\/chat\/completions$/,
    ({ stream_options: options }) => [
      { model: GPT, choices: [{ delta: { content: "hello" } }], usage: null },
      ...((options as { include_usage?: boolean } | undefined)?.include_usage === true
        ? [{ model: GPT, choices: [], usage: CHAT_USAGE }]
        : []),
    ],
  ],
  [
    /^\/v1\/responses$/,
    () => [
      { type: "response.created", response: { model: GPT, usage: null } },
      { type: "response.output_text.delta", delta: "hello" },
      { type: "response.completed", response: { model: GPT, usage: RESPONSES_USAGE } },
    ],
  ],
  [
    /enerateContent/,
    () => [
      { modelVersion: GEMINI, candidates: [], usageMetadata: { promptTokenCount: 10 } },
      { modelVersion: GEMINI, candidates: [], usageMetadata: GEMINI_USAGE },
    ],
  ],
];

const WHOLE: readonly (readonly [RegExp, object])[] = [
  [
    /^\/v1\/messages$/,
    { model: CLAUDE, usage: { input_tokens: 7, cache_read_input_tokens: 3, output_tokens: 5 } },
  ],
  [/^\/v1\/chat\/completions$/, { model: GPT, usage: CHAT_USAGE }],
  [/^\/v1\/responses$/, { model: GPT, usage: RESPONSES_USAGE }],
  [/enerateContent/, { modelVersion: GEMINI, usageMetadata: GEMINI_USAGE }],
];
