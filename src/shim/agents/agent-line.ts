/** The lines that an agent may print to be understood; documented in `specs/agent-lines-v1.md`. */
import {
  MODEL_NAME_CHARS_MAX,
  MODEL_NAME_PATTERN,
  TOKENS_MAX,
  type Tokens,
} from "../../core/model/prices.ts";
import { isRecord } from "../../instance/files.ts";
import { type AgentEvent, COST_USD_MAX, LLM_CALLS_MAX, TEXT_LENGTH_MAX, WAIT_MS_MAX } from "./agent.ts";

/** An agent and its helpers use a few models. */
const MODELS_PER_LINE_MAX = 32;
const ARTIFACTS_PER_LINE_MAX = 100;
const TOOL_ID_LENGTH_MAX = 100;
const TOOL_NAME_LENGTH_MAX = 100;
const SOURCE_LENGTH_MAX = 100;

/** The line as a message, or null: then it is transcript, as everything that an agent prints without knowing of us. */
export function parseAgentLine(line: string): AgentEvent | null {
  if (!line.startsWith("{")) return null;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  return isRecord(value) ? fromRecord(value) : null;
}

function fromRecord(value: Record<string, unknown>): AgentEvent | null {
  switch (value["type"]) {
    case "accepted":
    case "unblocked":
    case "turn_ended":
      return { type: value["type"] };
    case "progress": {
      const summary = textOf(value["summary"]);
      const percent = numberOf(value["percent"]);
      return summary === null
        ? null
        : { type: "progress", summary, percent: percent !== null && percent <= 100 ? percent : null };
    }
    case "usage": {
      const llmCalls = numberOf(value["llm_calls"], LLM_CALLS_MAX);
      const costUsd = numberOf(value["cost_usd"], COST_USD_MAX);
      const { semantics = "cumulative" } = value;
      // A number of which nobody knows what it means is not a number.
      if (semantics !== "cumulative" && semantics !== "delta") return null;
      return {
        type: "usage",
        llmCalls: llmCalls === null ? null : Math.floor(llmCalls),
        costUsd,
        tokens: tokensOf(value["tokens"]),
        semantics,
        source: textOf(value["source"])?.slice(0, SOURCE_LENGTH_MAX) ?? "agent",
      };
    }
    case "artifact": {
      const path = textOf(value["path"]);
      return path === null ? null : { type: "artifact", path };
    }
    case "blocked": {
      const reason = textOf(value["reason"]);
      return reason === null ? null : { type: "blocked", reason, needs: textOf(value["needs"]) };
    }
    case "tool_start": {
      const id = textOf(value["id"])?.slice(0, TOOL_ID_LENGTH_MAX) ?? null;
      const seconds = numberOf(value["deadline_seconds"]);
      return id === null
        ? null
        : {
            type: "tool_start",
            id,
            deadlineMs: seconds === null ? null : Math.min(Math.round(seconds * 1_000), WAIT_MS_MAX),
            name: textOf(value["name"])?.slice(0, TOOL_NAME_LENGTH_MAX) ?? null,
            arguments: value["arguments"],
          };
    }
    case "tool_end": {
      const id = textOf(value["id"])?.slice(0, TOOL_ID_LENGTH_MAX) ?? null;
      return id === null
        ? null
        : { type: "tool_end", id, result: value["result"], error: errorOf(value["error"]) };
    }
    case "message": {
      const text = textOf(value["text"]);
      return text === null ? null : { type: "message", text };
    }
    case "tool": {
      const id = textOf(value["id"]);
      const tool = textOf(value["tool"]);
      return id === null || id.length > TOOL_ID_LENGTH_MAX || tool === null
        ? null
        : { type: "tool", id, tool, arguments: value["arguments"] };
    }
    case "throttled": {
      const retryAfterMs = numberOf(value["retry_after_ms"]);
      const account = textOf(value["account"])?.slice(0, TOOL_NAME_LENGTH_MAX) ?? null;
      return retryAfterMs === null
        ? null
        : { type: "throttled", retryAfterMs: Math.min(retryAfterMs, WAIT_MS_MAX), account };
    }
    case "completed": {
      const artifacts = Array.isArray(value["artifacts"]) ? value["artifacts"] : [];
      const paths = artifacts.filter((path): path is string => typeof path === "string");
      return {
        type: "completed",
        summary: textOf(value["summary"]) ?? "completed",
        artifacts: paths.slice(0, ARTIFACTS_PER_LINE_MAX),
      };
    }
    case "failed":
      return { type: "failed", reason: textOf(value["reason"]) ?? "no reason given" };
    default:
      return null;
  }
}

/** What is not the name of a model, or says no number, was not said. */
function tokensOf(value: unknown): ReadonlyMap<string, Tokens> {
  const found = new Map<string, Tokens>();
  if (!isRecord(value)) return found;
  for (const [model, said] of Object.entries(value).slice(0, MODELS_PER_LINE_MAX)) {
    if (!isRecord(said) || model.length > MODEL_NAME_CHARS_MAX || !MODEL_NAME_PATTERN.test(model)) continue;
    const of = (field: string): number => Math.floor(numberOf(said[field], TOKENS_MAX) ?? 0);
    const tokens = {
      input: of("input"),
      output: of("output"),
      cacheRead: of("cache_read"),
      cacheWrite: of("cache_write"),
    };
    if (Object.values(tokens).some((count) => count > 0)) found.set(model, tokens);
  }
  return found;
}

function textOf(value: unknown): string | null {
  if (typeof value !== "string" || value === "") return null;
  return value.length > TEXT_LENGTH_MAX ? `${value.slice(0, TEXT_LENGTH_MAX)} […]` : value;
}

/** A text, or `true` where there is none to tell. */
function errorOf(value: unknown): string | null {
  return value === true ? "failed" : textOf(value);
}

/** Finite, not negative, and not more than anybody can mean; anything else was not said. */
function numberOf(value: unknown, max = Number.MAX_VALUE): number | null {
  return typeof value === "number" && value >= 0 && value <= max ? value : null;
}
