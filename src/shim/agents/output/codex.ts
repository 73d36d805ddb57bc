/** `codex exec --json`, as 0.171 prints it. */
import type { AgentEvent } from "../agent.ts";
import {
  completed,
  count,
  failed,
  type Json,
  message,
  type OutputReader,
  record,
  tellsUnauthorized,
  textOf,
  toolEnd,
  toolStart,
  UNNAMED_MODEL,
} from "./reader.ts";

const SOURCE = "codex";

export function codexReader(): OutputReader {
  let lastText = "";
  return {
    line(value) {
      const item = record(value["item"]);
      switch (value["type"]) {
        case "item.started":
          return isTool(item) ? [toolStart(item["id"], nameOf(item), given(item))] : [];
        case "item.completed":
          if (item["type"] === "agent_message") {
            lastText = textOf(item["text"]);
            return message(lastText);
          }
          return isTool(item) ? [toolEnd(item["id"], resultOf(item), errorOf(item))] : [];
        case "turn.completed":
          return [usage(record(value["usage"])), completed(lastText)];
        case "turn.failed": {
          const text = textOf(record(value["error"])["message"]);
          return [failed(text, tellsUnauthorized(text))];
        }
        default:
          return [];
      }
    },
    end: () => [],
  };
}

const TOOLS: ReadonlySet<unknown> = new Set([
  "command_execution",
  "mcp_tool_call",
  "file_change",
  "web_search",
]);

function isTool(item: Json): boolean {
  return TOOLS.has(item["type"]);
}

function nameOf(item: Json): string {
  return item["type"] === "mcp_tool_call"
    ? `${textOf(item["server"])}.${textOf(item["tool"])}`
    : textOf(item["type"]);
}

function given(item: Json): unknown {
  return item["command"] ?? item["arguments"] ?? item["changes"] ?? item["query"];
}

function resultOf(item: Json): unknown {
  return item["aggregated_output"] ?? item["result"] ?? item["changes"];
}

function errorOf(item: Json): string | null {
  if (item["status"] !== "failed") return null;
  const told = textOf(record(item["error"])["message"]);
  return told === "" ? `${nameOf(item)} failed with code ${String(item["exit_code"] ?? "unknown")}` : told;
}

/** Of the whole thread: after `resume` of what came before, too. */
function usage(said: Json): AgentEvent {
  const cacheRead = count(said["cached_input_tokens"]);
  const cacheWrite = count(said["cache_write_input_tokens"]);
  return {
    type: "usage",
    llmCalls: null,
    costUsd: null,
    tokens: new Map([
      [
        UNNAMED_MODEL,
        {
          input: Math.max(0, count(said["input_tokens"]) - cacheRead - cacheWrite),
          output: count(said["output_tokens"]),
          cacheRead,
          cacheWrite,
        },
      ],
    ]),
    semantics: "cumulative",
    source: SOURCE,
  };
}
