/** `opencode run --format json`, as 1.18 prints it. It has no line for its result: the reason of its last step is that. */
import type { Tokens } from "../../../core/model/prices.ts";
import type { AgentEvent } from "../agent.ts";
import {
  completed,
  count,
  failed,
  isUnauthorized,
  message,
  type OutputReader,
  record,
  tellsUnauthorized,
  textOf,
  tokensOf,
  toolEnd,
  toolStart,
  UNNAMED_MODEL,
} from "./reader.ts";

const SOURCE = "opencode";
/** The model has said what it had to say, and asks for nothing more. */
const DONE = "stop";

export function opencodeReader(): OutputReader {
  let lastText = "";
  let lastReason = "";
  let failure: AgentEvent | null = null;
  return {
    line(value) {
      const part = record(value["part"]);
      switch (value["type"]) {
        case "text":
          lastText = textOf(part["text"]);
          return message(lastText);
        case "tool_use":
          return tool(part);
        case "step_finish": {
          lastReason = textOf(part["reason"]);
          const cost = part["cost"];
          // A model whose price it does not know costs it 0, which says nothing.
          const costUsd = typeof cost === "number" && cost > 0 ? cost : null;
          const tokens = tokensOf([[UNNAMED_MODEL, usedOf(record(part["tokens"]))]]);
          return [{ type: "usage", llmCalls: 1, costUsd, tokens, semantics: "delta", source: SOURCE }];
        }
        case "error": {
          const error = record(value["error"]);
          const data = record(error["data"]);
          const text = textOf(data["message"]) || textOf(error["name"]);
          failure = failed(text, isUnauthorized(data["statusCode"]) || tellsUnauthorized(text));
          return [];
        }
        default:
          return [];
      }
    },
    end(code) {
      if (failure !== null) return [failure];
      return code === 0 && lastReason === DONE ? [completed(lastText)] : [];
    },
  };
}

function usedOf(said: Readonly<Record<string, unknown>>): Tokens {
  const cache = record(said["cache"]);
  return {
    input: count(said["input"]),
    output: count(said["output"]) + count(said["reasoning"]),
    cacheRead: count(cache["read"]),
    cacheWrite: count(cache["write"]),
  };
}

/** Told when it has ended. */
function tool(part: Readonly<Record<string, unknown>>): readonly AgentEvent[] {
  const state = record(part["state"]);
  const id = part["callID"];
  const error = state["status"] === "error" ? textOf(state["error"]) : null;
  return [toolStart(id, part["tool"], state["input"]), toolEnd(id, state["output"], error)];
}
