/** The tool calls of a session: what was said of each, put together, and told as beginnings and ends. */
import { createHash } from "node:crypto";
import { isRecord } from "../../../instance/files.ts";
import type { AgentEvent } from "../agent.ts";
import type { ToolFacts } from "./permission.ts";

export interface ToolCall extends ToolFacts {
  readonly id: string;
  readonly input: unknown;
  /** What it would change, as the agent shows it; for people, where there is no input. */
  readonly content: unknown;
  readonly status: string | null;
}

export interface ToolCalls {
  /** Takes what is new of a call, and answers what is known of it now; null: it has no id. */
  take(update: Readonly<Record<string, unknown>>): ToolCall | null;
  /** It is seen to be wanted, though it has not begun: people or the contract decide on it. */
  begin(id: string): void;
  /** It does not come to anything. */
  refuse(id: string, why: string): void;
  /** Nothing that was begun goes on. */
  closeAll(why: string): void;
  /** The number of the newest call: whether there was any after another one. */
  count(): number;
}

/** No protocol says how long a call may take: a build or a test does not take longer. */
export const CALL_DEADLINE_MS = 30 * 60 * 1_000;
/** Of calls that are not over; the oldest is forgotten for one more. */
const OPEN_CALLS_MAX = 256;
const ENDED_CALLS_MAX = 256;
const ID_CHARS_MAX = 100;
const TEXT_CHARS_MAX = 1_000;
/** What is longer is told by its digest and its beginning. */
const RESULT_CHARS_MAX = 4_000;
/** Of the fields that are kept of a call; people are shown no more, so what is longer is not asked for. */
export const INPUT_CHARS_MAX = 48 * 1024;
/** Stands for an input that is too long to be kept. */
export const TOO_LONG = Symbol("too long");

export function createToolCalls(onEvent: (event: AgentEvent) => void): ToolCalls {
  const open = new Map<string, ToolCall & { readonly begun: boolean }>();
  /** What is said of them once more is no new call. */
  const ended = new Map<string, ToolCall>();
  let count = 0;

  function begin(id: string): void {
    const call = open.get(id);
    if (call === undefined || call.begun) return;
    open.set(id, { ...call, begun: true });
    onEvent({
      type: "tool_start",
      id,
      deadlineMs: CALL_DEADLINE_MS,
      name: call.name ?? call.kind ?? call.title,
      arguments: shown(call.input ?? { title: call.title }),
    });
  }

  function end(id: string, result: unknown, error: string | null): void {
    begin(id);
    const call = open.get(id);
    if (call === undefined) return;
    open.delete(id);
    ended.set(id, call);
    if (ended.size > ENDED_CALLS_MAX) ended.delete([...ended.keys()][0] ?? "");
    onEvent({ type: "tool_end", id, result: shown(result), error });
  }

  return {
    take(update) {
      const id = textOf(update["toolCallId"])?.slice(0, ID_CHARS_MAX);
      if (id === undefined) return null;
      if (update["sessionUpdate"] === "tool_call") ended.delete(id);
      const over = ended.get(id);
      if (over !== undefined) return { ...over, status: textOf(update["status"]) ?? over.status };
      const before = open.get(id);
      if (before === undefined) count += 1;
      const call = {
        id,
        title: textOf(update["title"]) ?? before?.title ?? null,
        kind: textOf(update["kind"]) ?? before?.kind ?? null,
        name: textOf(update["name"]) ?? before?.name ?? null,
        input: kept(update["rawInput"]) ?? before?.input ?? null,
        content: kept(update["content"]) ?? before?.content ?? null,
        status: textOf(update["status"]) ?? before?.status ?? null,
        begun: before?.begun ?? false,
      };
      open.delete(id);
      open.set(id, call);
      if (open.size > OPEN_CALLS_MAX) end([...open.keys()][0] ?? "", undefined, "too many calls are open");
      // Some are announced before it is known what with.
      if (call.status === "in_progress" || hasInput(call.input)) begin(id);
      if (call.status === "completed") end(id, update["rawOutput"] ?? call.content, null);
      if (call.status === "failed") end(id, undefined, failureOf(update) ?? "failed");
      return call;
    },
    begin,
    refuse: (id, why) => end(id, undefined, why),
    closeAll(why) {
      for (const id of [...open.keys()]) end(id, undefined, why);
    },
    count: () => count,
  };
}

function hasInput(input: unknown): boolean {
  return isRecord(input) ? Object.keys(input).length > 0 : input !== null;
}

/** Undefined and null were not said. */
function kept(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  return (JSON.stringify(value)?.length ?? 0) > INPUT_CHARS_MAX ? TOO_LONG : value;
}

function shown(value: unknown): unknown {
  if (value === TOO_LONG) return { note: `longer than ${INPUT_CHARS_MAX} characters` };
  const text = value === undefined ? "" : (JSON.stringify(value) ?? "");
  if (text.length <= RESULT_CHARS_MAX) return value;
  const sha256 = createHash("sha256").update(text).digest("hex");
  return { sha256, chars: text.length, begins: text.slice(0, TEXT_CHARS_MAX) };
}

/** What a failed call says of its failure, wherever it says so. */
function failureOf({ rawOutput, content }: Readonly<Record<string, unknown>>): string | null {
  for (const said of [rawOutput, content]) {
    const text = typeof said === "string" ? said : said == null ? "" : (JSON.stringify(said) ?? "");
    if (text !== "" && text !== "[]" && text !== "{}") return text.slice(0, TEXT_CHARS_MAX);
  }
  return null;
}

function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value.slice(0, TEXT_CHARS_MAX) : null;
}
