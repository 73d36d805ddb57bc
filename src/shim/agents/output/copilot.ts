/** `copilot -p --output-format json`, as 1.0 prints it. */
import type { AgentEvent } from "../agent.ts";
import {
  completed,
  failed,
  isUnauthorized,
  type Json,
  list,
  message,
  type OutputReader,
  record,
  textOf,
  toolEnd,
  toolStart,
} from "./reader.ts";

const SOURCE = "copilot";

export function copilotReader(): OutputReader {
  let lastText = "";
  let calls = 0;
  let trouble: Json | null = null;

  function result(code: unknown): AgentEvent {
    if (code === 0 && trouble === null) return completed(lastText);
    const text = trouble === null ? `the agent ended with code ${String(code)}` : textOf(trouble["message"]);
    return failed(text, isUnauthorized(trouble?.["statusCode"]));
  }

  return {
    line(value) {
      const data = record(value["data"]);
      switch (value["type"]) {
        case "assistant.message":
          // What it says beside a call of a tool is not its last word.
          if (list(data["toolRequests"]).length === 0) lastText = textOf(data["content"]);
          return message(textOf(data["content"]));
        case "tool.execution_start":
          return [toolStart(data["toolCallId"], data["toolName"], data["arguments"])];
        case "tool.execution_complete": {
          const content = record(data["result"])["content"];
          const error = textOf(record(data["error"])["message"]) || textOf(content);
          return [toolEnd(data["toolCallId"], content, data["success"] === true ? null : error)];
        }
        case "model.call_start":
          calls += 1;
          return [{ type: "usage", llmCalls: calls, costUsd: null, semantics: "cumulative", source: SOURCE }];
        case "session.error":
          trouble = data;
          return [];
        case "result":
          return [result(value["exitCode"])];
        default:
          return [];
      }
    },
    end: () => [],
  };
}
