/**
 * Watches one agent for loops: pairs the beginnings and ends of its tool calls, keeps
 * the last things that it did, and tells of a pattern once, until somebody has spoken to the agent.
 */

import { findLoop, LOOP_WINDOW, type Loop, type LoopEvent } from "../../core/clone/conduct/loop-patterns.ts";
import { samenessOf } from "../../core/model/sameness.ts";

export interface LoopWatch {
  toolStart(call: { readonly id: string; readonly name: string | null; readonly arguments: unknown }): void;
  toolEnd(end: { readonly id: string; readonly result: unknown; readonly error: string | null }): void;
  message(text: string): void;
  /** Something came of it. */
  effect(): void;
  /** A nudge of ours reached the agent: it gets its chance, and its next repetition is told again. */
  nudged(): void;
  /** A person spoke, or let it go on: whatever was before does not count any more. */
  renewed(): void;
}

/** As many open calls as the clocks follow; beyond, an agent forgets to close them. */
const OPEN_CALLS_MAX = 64;
/** Of name and arguments, for people. */
const LABEL_LENGTH_MAX = 120;

interface OpenCall {
  readonly action: string;
  readonly label: string;
  /** It was under way when the agent was spoken to: it could not know. */
  excused: boolean;
}

export function createLoopWatch(onLoop: (loop: Loop) => void): LoopWatch {
  let events: LoopEvent[] = [];
  let told = false;
  const open = new Map<string, OpenCall>();

  function take(event: LoopEvent): void {
    events.push(event);
    // Nudges are not events of the agent's and take no place from them.
    while (events.filter(({ type }) => type !== "nudge").length > LOOP_WINDOW) events.shift();
    if (told) return;
    const loop = findLoop(events);
    if (loop === null) return;
    told = true;
    onLoop(loop);
  }

  function spokenTo(): void {
    told = false;
    for (const call of open.values()) call.excused = true;
  }

  return {
    toolStart({ id, name, arguments: given }) {
      // Without a name nobody knows what was done, and nothing can be compared.
      const action = name === null ? null : samenessOf([name, given ?? null]);
      if (name === null || action === null) return;
      if (open.size >= OPEN_CALLS_MAX && !open.has(id)) return;
      open.set(id, { action, label: labelOf(name, given), excused: false });
    },
    toolEnd({ id, result, error }) {
      const call = open.get(id);
      if (call === undefined) return;
      open.delete(id);
      if (call.excused) return;
      const outcome = error ?? result;
      take({
        type: "action",
        action: call.action,
        result: outcome === undefined ? null : samenessOf(outcome),
        failed: error !== null,
        label: call.label,
      });
    },
    message: (text) => take({ type: "message", label: cut(text) }),
    effect: () => take({ type: "effect" }),
    nudged() {
      spokenTo();
      events.push({ type: "nudge" });
    },
    renewed() {
      spokenTo();
      events = [];
    },
  };
}

function labelOf(name: string, given: unknown): string {
  if (given === undefined || given === null) return cut(name);
  return cut(`${name} ${typeof given === "string" ? given : JSON.stringify(given)}`);
}

function cut(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > LABEL_LENGTH_MAX ? `${line.slice(0, LABEL_LENGTH_MAX)}…` : line;
}
