/**
 * The protocol and progress clocks of an instance, its meters and its open tool
 * calls. (The process clock is the operating system's; the driver reads it.) Ages
 * come from a clock that only runs forward, so nothing here knows what time it is.
 */
import type { WireEvent } from "../../api/event.ts";
import type { WireHeartbeat } from "../../api/heartbeat.ts";
import type { UsageReport } from "../agents/agent.ts";
import { createUsage, type UsageTotals } from "../metering/usage.ts";

export interface Clocks {
  /** The agent said something, whatever it was. */
  onOutput(): void;
  /** The agent had an effect: something new, not the same thing once more. */
  onProgress(): void;
  /** Whether this text differs from those said lately; remembers it. */
  isNews(text: string): boolean;
  setRunning(running: boolean): void;
  /** Takes what a source says. Totals only rise; answers whether they did. */
  onUsage(usage: UsageReport): boolean;
  openTool(id: string, deadlineMs: number | null): void;
  closeTool(id: string): void;
  /** Its agent ends: nothing that it had begun goes on. */
  closeTools(): void;
  /** Its provider makes the agent wait: no work, whatever it prints meanwhile. */
  throttle(ms: number): void;
  /** For how much longer; 0 when it does not. */
  throttledMs(): number;
  activeMs(): number;
  eventUsage(): WireEvent["usage"];
  heartbeatPart(): Pick<
    WireHeartbeat,
    "last_event_age_ms" | "last_progress_age_ms" | "open_tool_calls" | "usage"
  >;
}

/** More open calls than this are a leak in the agent, and a heartbeat is a small message. */
const OPEN_TOOLS_MAX = 64;
/** An agent that repeats itself does so within a few lines. */
const REMEMBERED_TEXTS_MAX = 50;

export function createClocks(now: () => number, usage: UsageTotals = createUsage()): Clocks {
  let outputAt = now();
  let progressAt = now();
  let activeMs = 0;
  let runningSince: number | null = null;
  let throttledUntil: number = Number.NEGATIVE_INFINITY;
  let frozenSince: number | null = null;
  const tools = new Map<string, { readonly at: number; readonly deadlineMs: number | null }>();
  const remembered: string[] = [];

  /** The open stretch may begin only when a rate limit is over. */
  const stretch = (): number => (runningSince === null ? 0 : Math.max(0, now() - runningSince));
  const active = (): number => Math.round(activeMs + stretch());
  const throttledMs = (): number => Math.max(0, Math.round(throttledUntil - now()));

  return {
    onOutput() {
      outputAt = now();
    },
    onProgress() {
      progressAt = now();
    },
    isNews(text) {
      const known = remembered.includes(text);
      if (!known) remembered.push(text);
      if (remembered.length > REMEMBERED_TEXTS_MAX) remembered.shift();
      return !known;
    },
    setRunning(running) {
      if (running && runningSince === null) {
        runningSince = Math.max(now(), throttledUntil);
        // Nobody gets anywhere while it is frozen.
        if (frozenSince !== null) progressAt = Math.min(now(), progressAt + now() - frozenSince);
        frozenSince = null;
      } else if (!running && runningSince !== null) {
        activeMs += stretch();
        runningSince = null;
        frozenSince = now();
      }
    },
    onUsage: (line) => usage.take(line),
    throttle(ms) {
      throttledUntil = Math.max(throttledUntil, now() + ms);
      if (runningSince === null) return;
      activeMs += stretch();
      runningSince = throttledUntil;
    },
    throttledMs,
    openTool(id, deadlineMs) {
      if (tools.size < OPEN_TOOLS_MAX || tools.has(id)) tools.set(id, { at: now(), deadlineMs });
    },
    closeTool(id) {
      const tool = tools.get(id);
      // For as long as it said that the call would take, it was not late.
      if (tool?.deadlineMs != null)
        progressAt = Math.min(now(), progressAt + Math.min(now() - tool.at, tool.deadlineMs));
      tools.delete(id);
    },
    closeTools: () => tools.clear(),
    activeMs: active,
    eventUsage: () => ({
      runtime_minutes: active() / 60_000,
      llm_calls: usage.llmCalls(),
      estimated_cost_usd: usage.costUsd(),
      trust: usage.trust(),
      source: usage.source(),
    }),
    heartbeatPart: () => ({
      last_event_age_ms: Math.round(now() - outputAt),
      last_progress_age_ms: Math.round(now() - progressAt),
      open_tool_calls: [...tools].map(([id, tool]) => ({
        id,
        age_ms: Math.round(now() - tool.at),
        deadline_ms: tool.deadlineMs,
      })),
      usage: {
        llm_calls: usage.llmCalls(),
        estimated_cost_usd: usage.costUsd(),
        trust: usage.trust(),
        source: usage.source(),
        active_ms: active(),
      },
    }),
  };
}
