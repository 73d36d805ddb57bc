/** `claude -p --output-format stream-json --verbose`, as 2.1 prints it. */
import type { AgentEvent } from "../agent.ts";
import {
  AUTH,
  completed,
  count,
  failed,
  isUnauthorized,
  type Json,
  list,
  message,
  type OutputReader,
  record,
  textOf,
  tokensOf,
  toolEnd,
  toolStart,
} from "./reader.ts";

const SOURCE = "claude";
/** What it says by itself where no model answered. */
const NO_MODEL = "<synthetic>";
const THROTTLED: ReadonlySet<unknown> = new Set([429, 529]);

export function claudeReader(): OutputReader {
  const answers = new Set<string>();

  function assistant(said: Json): readonly AgentEvent[] {
    const events = list(said["content"]).flatMap((part): readonly AgentEvent[] => {
      if (part["type"] === "text") return message(textOf(part["text"]));
      return part["type"] === "tool_use" ? [toolStart(part["id"], part["name"], part["input"])] : [];
    });
    if (said["model"] === NO_MODEL) return events;
    answers.add(textOf(said["id"]));
    return [
      ...events,
      { type: "usage", llmCalls: answers.size, costUsd: null, semantics: "cumulative", source: SOURCE },
    ];
  }

  return {
    line(value) {
      switch (value["type"]) {
        case "assistant":
          return assistant(record(value["message"]));
        case "user":
          return list(record(value["message"])["content"])
            .filter((part) => part["type"] === "tool_result")
            .map((part) => {
              const result = part["content"];
              return toolEnd(part["tool_use_id"], result, part["is_error"] === true ? textOf(result) : null);
            });
        case "system":
          return value["subtype"] === "api_retry" ? retry(value) : [];
        case "result":
          return [usage(value), result(value)];
        default:
          return [];
      }
    },
    end: () => [],
  };
}

/** It would go on for minutes where nothing can help. */
function retry(value: Json): readonly AgentEvent[] {
  const status = value["error_status"];
  if (isUnauthorized(status)) return [{ type: "failed", reason: AUTH }];
  return THROTTLED.has(status)
    ? [{ type: "throttled", retryAfterMs: count(value["retry_delay_ms"]), account: null }]
    : [];
}

/** `total_cost_usd` is of the whole session, so of this program; what it resumes is carried on. */
function usage(value: Json): AgentEvent {
  const cost = value["total_cost_usd"];
  return {
    type: "usage",
    llmCalls: null,
    costUsd: typeof cost === "number" && cost >= 0 ? cost : null,
    tokens: tokensOf(
      Object.entries(record(value["modelUsage"])).map(([model, said]) => {
        const used = record(said);
        return [
          model,
          {
            input: count(used["inputTokens"]),
            output: count(used["outputTokens"]),
            cacheRead: count(used["cacheReadInputTokens"]),
            cacheWrite: count(used["cacheCreationInputTokens"]),
          },
        ];
      }),
    ),
    semantics: "cumulative",
    source: SOURCE,
  };
}

/** `subtype` is `success` for a refused call, too. */
function result(value: Json): AgentEvent {
  const text = textOf(value["result"]);
  if (value["subtype"] === "success" && value["is_error"] === false) return completed(text);
  return failed(text === "" ? textOf(value["subtype"]) : text, isUnauthorized(value["api_error_status"]));
}
