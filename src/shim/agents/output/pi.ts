/** `pi -p --mode json`, as 1.6 prints it. It ends with 0 whatever happened: why its last message stopped is its result. */
import type { AgentEvent } from "../agent.ts";
import {
  completed,
  count,
  failed,
  type Json,
  list,
  message,
  type OutputReader,
  record,
  tellsUnauthorized,
  textOf,
  tokensOf,
  toolEnd,
  toolStart,
} from "./reader.ts";

const SOURCE = "pi";

export function piReader(): OutputReader {
  return {
    line(value) {
      switch (value["type"]) {
        case "message_end": {
          const said = record(value["message"]);
          return said["role"] === "assistant"
            ? [...message(textsOf(said)), usage(textOf(said["model"]), record(said["usage"]))]
            : [];
        }
        case "tool_execution_start":
          return [toolStart(value["toolCallId"], value["toolName"], value["args"])];
        case "tool_execution_end": {
          const text = textsOf(record(value["result"]));
          return [toolEnd(value["toolCallId"], text, value["isError"] === true ? text : null)];
        }
        case "agent_end":
          return result(list(value["messages"]).findLast((one) => one["role"] === "assistant"));
        default:
          return [];
      }
    },
    end: () => [],
  };
}

function result(last: Json | undefined): readonly AgentEvent[] {
  if (last === undefined) return [];
  if (last["stopReason"] === "stop") return [completed(textsOf(last))];
  const text = textOf(last["errorMessage"]) || `the agent stopped: ${textOf(last["stopReason"])}`;
  return [failed(text, tellsUnauthorized(text) || /^(401|403)\b/.test(text))];
}

function textsOf(said: Json): string {
  return list(said["content"])
    .map((part) => (part["type"] === "text" ? textOf(part["text"]) : ""))
    .join("");
}

function usage(model: string, said: Json): AgentEvent {
  const total = record(said["cost"])["total"];
  const costUsd = typeof total === "number" && total > 0 ? total : null;
  const used = {
    input: count(said["input"]),
    output: count(said["output"]),
    cacheRead: count(said["cacheRead"]),
    cacheWrite: count(said["cacheWrite"]),
  };
  return {
    type: "usage",
    llmCalls: 1,
    costUsd,
    tokens: tokensOf([[model, used]]),
    semantics: "delta",
    source: SOURCE,
  };
}
