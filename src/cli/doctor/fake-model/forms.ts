/** The four forms in which agents ask models, as far as a scripted answer needs them: what was asked, and how an answer is said. */
import type { ModelApiName } from "../../../core/model/clone.ts";
import { type OfferedTool, type Reply, type Turn, USAGE } from "./turn.ts";

export interface Form {
  readonly api: ModelApiName;
  readonly path: RegExp;
  turnOf(body: Json, path: string): Turn;
  /** The answer in one piece. */
  whole(reply: Reply, of: Said): object;
  /** The same as the events of a stream. */
  events(reply: Reply, of: Said): readonly object[];
  /** Said after the last event. */
  readonly done?: string;
}

export interface Said {
  readonly model: string;
  /** Different for each answer. */
  readonly id: string;
}

type Json = Readonly<Record<string, unknown>>;

const TOTAL = USAGE.input + USAGE.output;

const anthropic: Form = {
  api: "anthropic",
  path: /^\/v1\/messages$/,
  turnOf(body) {
    const parts = list(body["messages"]).flatMap((message) =>
      typeof message["content"] === "string"
        ? [{ type: "text", text: message["content"], role: message["role"] }]
        : list(message["content"]).map((part): Json => ({ ...part, role: message["role"] })),
    );
    return {
      model: String(body["model"] ?? ""),
      prompt: parts
        .flatMap((part) => (part["role"] === "user" && part["type"] === "text" ? [textOf(part["text"])] : []))
        .join("\n"),
      results: parts.flatMap((part) => (part["type"] === "tool_result" ? [textOf(part["content"])] : [])),
      tools: list(body["tools"]).map((tool) => offered(tool["name"], tool["input_schema"])),
    };
  },
  whole: (reply, { model, id }) => ({
    id: `msg_${id}`,
    type: "message",
    role: "assistant",
    model,
    content: [
      reply.type === "text"
        ? { type: "text", text: reply.text }
        : { type: "tool_use", id: `toolu_${id}`, name: reply.tool.name, input: reply.arguments },
    ],
    stop_reason: reply.type === "text" ? "end_turn" : "tool_use",
    stop_sequence: null,
    usage: { input_tokens: USAGE.input, output_tokens: USAGE.output },
  }),
  events(reply, { model, id }) {
    const call = reply.type === "call";
    return [
      {
        type: "message_start",
        message: {
          id: `msg_${id}`,
          type: "message",
          role: "assistant",
          model,
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: { input_tokens: USAGE.input, output_tokens: 1 },
        },
      },
      {
        type: "content_block_start",
        index: 0,
        content_block: call
          ? { type: "tool_use", id: `toolu_${id}`, name: reply.tool.name, input: {} }
          : { type: "text", text: "" },
      },
      {
        type: "content_block_delta",
        index: 0,
        delta: call
          ? { type: "input_json_delta", partial_json: JSON.stringify(reply.arguments) }
          : { type: "text_delta", text: reply.text },
      },
      { type: "content_block_stop", index: 0 },
      {
        type: "message_delta",
        delta: { stop_reason: call ? "tool_use" : "end_turn", stop_sequence: null },
        usage: { output_tokens: USAGE.output },
      },
      { type: "message_stop" },
    ];
  },
};

const CHAT_USAGE = { prompt_tokens: USAGE.input, completion_tokens: USAGE.output, total_tokens: TOTAL };

const chat: Form = {
  api: "openai",
  path: /^\/v1\/chat\/completions$/,
  turnOf(body) {
    const messages = list(body["messages"]);
    return {
      model: String(body["model"] ?? ""),
      prompt: messages.flatMap((one) => (one["role"] === "user" ? [textOf(one["content"])] : [])).join("\n"),
      results: messages.flatMap((one) => (one["role"] === "tool" ? [textOf(one["content"])] : [])),
      tools: list(body["tools"]).map((tool) => {
        const named = record(tool["function"]);
        return offered(named["name"], named["parameters"]);
      }),
    };
  },
  whole: (reply, { model, id }) => ({
    id: `chatcmpl-${id}`,
    object: "chat.completion",
    created: 0,
    model,
    choices: [
      { index: 0, message: { role: "assistant", ...chatDelta(reply, id) }, finish_reason: chatFinish(reply) },
    ],
    usage: CHAT_USAGE,
  }),
  events(reply, { model, id }) {
    const head = { id: `chatcmpl-${id}`, object: "chat.completion.chunk", created: 0, model };
    return [
      {
        ...head,
        choices: [{ index: 0, delta: { role: "assistant", ...chatDelta(reply, id) }, finish_reason: null }],
      },
      { ...head, choices: [{ index: 0, delta: {}, finish_reason: chatFinish(reply) }] },
      { ...head, choices: [], usage: CHAT_USAGE },
    ];
  },
  done: "data: [DONE]\n\n",
};

function chatDelta(reply: Reply, id: string): object {
  return reply.type === "text"
    ? { content: reply.text }
    : {
        tool_calls: [
          {
            index: 0,
            id: `call_${id}`,
            type: "function",
            function: { name: reply.tool.name, arguments: JSON.stringify(reply.arguments) },
          },
        ],
      };
}

const chatFinish = (reply: Reply): string => (reply.type === "text" ? "stop" : "tool_calls");

const responses: Form = {
  api: "openai",
  path: /^\/v1\/responses$/,
  turnOf(body) {
    const input =
      typeof body["input"] === "string" ? [{ role: "user", content: body["input"] }] : list(body["input"]);
    return {
      model: String(body["model"] ?? ""),
      prompt: input.flatMap((item) => (item["role"] === "user" ? [textOf(item["content"])] : [])).join("\n"),
      results: input.flatMap((item) =>
        String(item["type"]).endsWith("_call_output") ? [textOf(item["output"])] : [],
      ),
      tools: list(body["tools"]).flatMap((tool) =>
        tool["type"] === "namespace"
          ? list(tool["tools"]).map((one) => ({
              ...offered(one["name"], one["parameters"]),
              namespace: String(tool["name"]),
            }))
          : [offered(tool["name"] ?? tool["type"], tool["parameters"])],
      ),
    };
  },
  whole: (reply, { model, id }) => response(reply, { model, id }),
  events(reply, { model, id }) {
    const item = responseItem(reply, id);
    const bare = { id: `resp_${id}`, object: "response", model };
    return [
      { type: "response.created", response: { ...bare, status: "in_progress", output: [] } },
      { type: "response.output_item.added", output_index: 0, item: { ...item, status: "in_progress" } },
      ...(reply.type === "text"
        ? [
            {
              type: "response.output_text.delta",
              item_id: `msg_${id}`,
              output_index: 0,
              content_index: 0,
              delta: reply.text,
            },
          ]
        : []),
      { type: "response.output_item.done", output_index: 0, item },
      { type: "response.completed", response: response(reply, { model, id }) },
    ];
  },
};

function response(reply: Reply, { model, id }: Said): object {
  return {
    id: `resp_${id}`,
    object: "response",
    created_at: 0,
    model,
    status: "completed",
    output: [responseItem(reply, id)],
    usage: {
      input_tokens: USAGE.input,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: USAGE.output,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: TOTAL,
    },
  };
}

function responseItem(reply: Reply, id: string): object {
  return reply.type === "text"
    ? {
        type: "message",
        id: `msg_${id}`,
        role: "assistant",
        status: "completed",
        content: [{ type: "output_text", text: reply.text, annotations: [] }],
      }
    : {
        type: "function_call",
        id: `fc_${id}`,
        call_id: `call_${id}`,
        status: "completed",
        name: reply.tool.name,
        ...(reply.tool.namespace === undefined ? {} : { namespace: reply.tool.namespace }),
        arguments: JSON.stringify(reply.arguments),
      };
}

const gemini: Form = {
  api: "gemini",
  path: /^\/v1(?:beta|alpha)?\/models\/[^/:]+:(?:stream)?[gG]enerateContent$/,
  turnOf(body, path) {
    const parts = list(body["contents"]).flatMap((one) =>
      list(one["parts"]).map((part): Json => ({ ...part, role: one["role"] })),
    );
    return {
      model: /models\/([^/:]+):/.exec(path)?.[1] ?? "",
      prompt: parts
        .flatMap((part) =>
          part["role"] === "user" && part["text"] !== undefined ? [textOf(part["text"])] : [],
        )
        .join("\n"),
      results: parts.flatMap((part) =>
        part["functionResponse"] === undefined
          ? []
          : [JSON.stringify(record(part["functionResponse"])["response"] ?? {})],
      ),
      tools: list(body["tools"])
        .flatMap((tool) => list(tool["functionDeclarations"]))
        .map((one) => offered(one["name"], one["parametersJsonSchema"] ?? one["parameters"])),
    };
  },
  whole: (reply, { model, id }) => ({
    responseId: id,
    modelVersion: model,
    candidates: [
      {
        index: 0,
        content: {
          role: "model",
          parts: [
            reply.type === "text"
              ? { text: reply.text }
              : { functionCall: { id: `call_${id}`, name: reply.tool.name, args: reply.arguments } },
          ],
        },
        finishReason: "STOP",
      },
    ],
    usageMetadata: {
      promptTokenCount: USAGE.input,
      candidatesTokenCount: USAGE.output,
      totalTokenCount: TOTAL,
    },
  }),
  events: (reply, said) => [gemini.whole(reply, said)],
};

export const FORMS: readonly Form[] = [anthropic, chat, responses, gemini];

function offered(name: unknown, schema: unknown): OfferedTool {
  const properties = record(record(schema)["properties"]) as OfferedTool["properties"];
  return { name: String(name ?? ""), properties };
}

function record(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function list(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.map(record) : [];
}

/** A text, or the texts of its parts. */
function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  return list(value)
    .map((part) => (typeof part["text"] === "string" ? part["text"] : ""))
    .join("\n");
}
