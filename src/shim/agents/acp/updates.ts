/** What a session tells of itself while it works, as events; what nobody here understands is kept in the transcript. */
import { isRecord } from "../../../instance/files.ts";
import type { Transcript } from "../../../instance/transcript.ts";
import { type AgentEvent, COST_USD_MAX, TEXT_LENGTH_MAX } from "../agent.ts";
import type { ToolCall, ToolCalls } from "./tool-calls.ts";

export interface Updates {
  take(update: Readonly<Record<string, unknown>>): void;
  /** A whole message is told when something else comes; this tells what was said until now. Answers the last message of the turn. */
  flush(): string | null;
  /** The turn begins: no message of it was said yet. */
  begin(): void;
  /** What the session has cost, as the agent says. */
  costUsd(): number | null;
  /** Its output has ended. */
  end(): void;
}

/** Of what is kept of an update that is not understood. */
const KEPT_CHARS_MAX = 4_000;
/** Of the text of a plan's step, in the summary of a progress. */
const STEP_CHARS_MAX = 300;
const PLAN_STEPS_MAX = 1_000;

export function createUpdates(parts: {
  readonly transcript: Transcript;
  readonly calls: ToolCalls;
  readonly onEvent: (event: AgentEvent) => void;
  /** A call as it is known now, after each word on it. */
  readonly onCall: (call: ToolCall) => void;
  readonly onMode: (modeId: string) => void;
  readonly onConfig: (options: unknown) => void;
  /** What the session had cost when it was left; null: unknown, or nothing. */
  readonly costUsdBefore: number | null;
}): Updates {
  const { calls, onEvent } = parts;
  const log = parts.transcript.open();
  let stream: "message" | "thought" | null = null;
  let message = "";
  let lastMessage: string | null = null;
  let plan = "";
  let costUsd = parts.costUsdBefore;

  function say(kind: "message" | "thought", content: unknown): void {
    const text = isRecord(content) && typeof content["text"] === "string" ? content["text"] : null;
    if (text === null) {
      keep({ sessionUpdate: kind, content });
      return;
    }
    if (stream !== kind) {
      closeStream();
      log.write(kind === "thought" ? "[thought] " : "");
      stream = kind;
    }
    log.write(text);
    if (kind === "message" && message.length <= TEXT_LENGTH_MAX)
      message = (message + text).slice(0, TEXT_LENGTH_MAX + 1);
  }

  function closeStream(): void {
    if (stream === null) return;
    stream = null;
    log.write("\n");
    const text = message.length > TEXT_LENGTH_MAX ? `${message.slice(0, TEXT_LENGTH_MAX)} […]` : message;
    message = "";
    if (text.trim() === "") return;
    lastMessage = text.trim();
    onEvent({ type: "message", text, shown: true });
  }

  function keep(update: unknown): void {
    closeStream();
    const text = JSON.stringify(update) ?? "";
    log.write(text.length > KEPT_CHARS_MAX ? `${text.slice(0, KEPT_CHARS_MAX)} […]\n` : `${text}\n`);
  }

  function onPlan(entries: unknown): void {
    const steps = (Array.isArray(entries) ? entries : []).slice(0, PLAN_STEPS_MAX).filter(isRecord);
    if (steps.length === 0) return;
    const done = steps.filter(({ status }) => status === "completed").length;
    const now = steps.find(({ status }) => status === "in_progress")?.["content"];
    const next = typeof now === "string" ? `: ${now.slice(0, STEP_CHARS_MAX)}` : "";
    const summary = `${done} of ${steps.length} steps are done${next}`;
    if (summary === plan) return;
    plan = summary;
    onEvent({ type: "progress", summary, percent: Math.floor((100 * done) / steps.length) });
  }

  /** Cumulative, of the session or of the process: where it falls, it is counted anew from nothing. */
  function onCost(cost: unknown): void {
    if (!isRecord(cost) || cost["currency"] !== "USD") return;
    const { amount } = cost;
    if (typeof amount !== "number" || !(amount >= 0) || amount > COST_USD_MAX) return;
    const before = costUsd ?? 0;
    const delta = amount >= before ? amount - before : amount;
    costUsd = amount;
    onEvent({ type: "usage", llmCalls: null, costUsd: delta, semantics: "delta", source: "agent" });
  }

  const on: Readonly<Record<string, (update: Readonly<Record<string, unknown>>) => void>> = {
    agent_message_chunk: ({ content }) => say("message", content),
    agent_thought_chunk: ({ content }) => say("thought", content),
    tool_call: onCall,
    tool_call_update: onCall,
    plan({ entries }) {
      closeStream();
      onPlan(entries);
    },
    usage_update: ({ cost }) => onCost(cost),
    current_mode_update({ currentModeId }) {
      if (typeof currentModeId === "string") parts.onMode(currentModeId);
    },
    config_option_update: ({ configOptions }) => parts.onConfig(configOptions),
  };

  function onCall(update: Readonly<Record<string, unknown>>): void {
    closeStream();
    const call = calls.take(update);
    if (call === null) keep(update);
    else parts.onCall(call);
  }

  return {
    take(update) {
      const kind = update["sessionUpdate"];
      const known = typeof kind === "string" && Object.hasOwn(on, kind) ? on[kind] : undefined;
      if (known === undefined) keep(update);
      else known(update);
    },
    flush() {
      closeStream();
      return lastMessage;
    },
    begin() {
      lastMessage = null;
    },
    costUsd: () => costUsd,
    end() {
      closeStream();
      log.end();
    },
  };
}
