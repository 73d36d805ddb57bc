/** `gemini -p --output-format stream-json`, as 0.61 prints it. */
import type { AgentEvent } from "../agent.ts";
import {
  completed,
  count,
  failed,
  message,
  type OutputReader,
  record,
  tellsUnauthorized,
  textOf,
  tokensOf,
  toolEnd,
  toolStart,
} from "./reader.ts";

const SOURCE = "gemini";
/** It ends with the status of its provider's refusal, of which a process keeps the last eight bits. */
const UNAUTHORIZED_EXITS: ReadonlySet<number | null> = new Set([401 % 256, 403 % 256]);

export function geminiReader(): OutputReader {
  /** It says its sentences in pieces. */
  let pieces = "";
  let lastText = "";
  let failure: string | null = null;

  /** A sentence ends where something else begins. */
  function sentence(): readonly AgentEvent[] {
    if (pieces === "") return [];
    lastText = pieces;
    pieces = "";
    return message(lastText);
  }

  return {
    line(value) {
      switch (value["type"]) {
        case "message":
          if (value["role"] === "assistant") pieces += textOf(value["content"]);
          return [];
        case "tool_use":
          return [...sentence(), toolStart(value["tool_id"], value["tool_name"], value["parameters"])];
        case "tool_result": {
          const error = textOf(record(value["error"])["message"]) || textOf(value["output"]);
          return [toolEnd(value["tool_id"], value["output"], value["status"] === "success" ? null : error)];
        }
        case "result": {
          const last = [...sentence(), usage(record(value["stats"]))];
          if (value["status"] === "success") return [...last, completed(lastText)];
          failure = textOf(record(value["error"])["message"]) || "the agent failed and said no reason";
          return last;
        }
        default:
          return [];
      }
    },
    // Whether its credentials are refused, its exit code alone says.
    end: (code) =>
      failure === null ? [] : [failed(failure, UNAUTHORIZED_EXITS.has(code) || tellsUnauthorized(failure))],
  };
}

function usage(stats: Readonly<Record<string, unknown>>): AgentEvent {
  const tokens = tokensOf(
    Object.entries(record(stats["models"])).map(([model, said]) => {
      const used = record(said);
      const cacheRead = count(used["cached"]);
      return [
        model,
        {
          input: Math.max(0, count(used["input_tokens"]) - cacheRead),
          output: count(used["output_tokens"]),
          cacheRead,
          cacheWrite: 0,
        },
      ];
    }),
  );
  return { type: "usage", llmCalls: null, costUsd: null, tokens, semantics: "cumulative", source: SOURCE };
}
