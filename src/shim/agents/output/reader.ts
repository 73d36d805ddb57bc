/**
 * What agents print of their own while they work, understood: each reader turns one agent's stream of JSON lines into the
 * events of `agent.ts`. Success is the agent's own result and nothing else; what a reader does not understand is no event.
 */
import { MODEL_NAME_PATTERN, type Tokens } from "../../../core/model/prices.ts";
import { isRecord } from "../../../instance/files.ts";
import { type AgentEvent, TEXT_LENGTH_MAX } from "../agent.ts";

export interface OutputReader {
  /** One line, which was an object. */
  line(value: Json): readonly AgentEvent[];
  /** Its program has ended, with this code or by a signal: what is still to be said, before its end is told. */
  end(code: number | null): readonly AgentEvent[];
}

export type Json = Readonly<Record<string, unknown>>;

/** The reason by which an agent says that its provider refuses its credentials. */
export const AUTH = "auth";
const UNAUTHORIZED: ReadonlySet<number> = new Set([401, 403]);

export function isUnauthorized(status: unknown): boolean {
  return typeof status === "number" && UNAUTHORIZED.has(status);
}

/** Of an agent that tells a status only within its sentence. */
export function tellsUnauthorized(text: string): boolean {
  return /\b(?:status|HTTP|Error:?|code"?:)\s*(?:401|403)\b/i.test(text);
}

export function failed(text: string, unauthorized: boolean): AgentEvent {
  return { type: "failed", reason: unauthorized ? AUTH : cut(text === "" ? "no reason given" : text) };
}

export function completed(text: string): AgentEvent {
  return { type: "completed", summary: cut(text.trim() === "" ? "completed" : text.trim()), artifacts: [] };
}

export function message(text: string): readonly AgentEvent[] {
  return text.trim() === "" ? [] : [{ type: "message", text: cut(text.trim()) }];
}

/** Without a deadline: agents do not tell how long a tool may take. */
export function toolStart(id: unknown, name: unknown, given: unknown): AgentEvent {
  return {
    type: "tool_start",
    id: textOf(id).slice(0, TOOL_TEXT_LENGTH_MAX),
    deadlineMs: null,
    name: textOf(name).slice(0, TOOL_TEXT_LENGTH_MAX),
    arguments: bounded(given),
  };
}

/** `error`: what went wrong; null: it went well. */
export function toolEnd(id: unknown, result: unknown, error: string | null): AgentEvent {
  return {
    type: "tool_end",
    id: textOf(id).slice(0, TOOL_TEXT_LENGTH_MAX),
    result: bounded(result),
    error: error === null ? null : cut(error === "" ? "failed" : error),
  };
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

export function record(value: unknown): Json {
  return isRecord(value) ? value : {};
}

export function list(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

/** A count that can be one. */
export function count(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? Math.floor(value) : 0;
}

/** By model, as reports have it; without those that have no proper name. */
export function tokensOf(
  said: readonly (readonly [model: string, used: Tokens])[],
): ReadonlyMap<string, Tokens> {
  return new Map(said.slice(0, MODELS_MAX).filter(([model]) => MODEL_NAME_PATTERN.test(model)));
}

/** Of an agent that does not say which models it asked. */
export const UNNAMED_MODEL = "unnamed";
const MODELS_MAX = 32;
const TOOL_TEXT_LENGTH_MAX = 100;
/** What a tool is given or answers is a digest beyond this: an agent may read whole files. */
const TOOL_JSON_LENGTH_MAX = 8_000;

function cut(text: string): string {
  return text.length > TEXT_LENGTH_MAX ? `${text.slice(0, TEXT_LENGTH_MAX)} […]` : text;
}

function bounded(value: unknown): unknown {
  if (value === undefined) return undefined;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length <= TOOL_JSON_LENGTH_MAX ? value : `${text.slice(0, TOOL_JSON_LENGTH_MAX)} […]`;
}
