/** What became of each action on the world outside, by its events alone (design, section 8). */
import type { ActionState } from "../../model/action.ts";
import type { CloneEvent } from "../../model/event.ts";

export interface LedgerEntry {
  readonly state: ActionState;
  /** Who claimed it last. */
  readonly epoch: number;
}

export type LedgerEvent = Extract<
  CloneEvent,
  {
    type: "action.claimed" | "action.remembered" | "action.completed" | "action.duplicate" | "action.unknown";
  }
>;

const LEDGER_EVENTS: ReadonlySet<CloneEvent["type"]> = new Set<LedgerEvent["type"]>([
  "action.claimed",
  "action.remembered",
  "action.completed",
  "action.duplicate",
  "action.unknown",
]);

export function isOfLedger(event: CloneEvent): event is LedgerEvent {
  return LEDGER_EVENTS.has(event.type);
}

/** Null: nothing is known of it, and this event says nothing that could be. */
export function entryAfter(before: LedgerEntry | null, event: LedgerEvent): LedgerEntry | null {
  switch (event.type) {
    case "action.claimed":
      return { state: "reserved", epoch: event.epoch };
    case "action.remembered":
      return { state: event.state, epoch: event.epoch };
    case "action.completed":
      return before && { ...before, state: event.outcome === "done" ? "committed" : "failed" };
    case "action.unknown":
      return before && { ...before, state: "unknown" };
    case "action.duplicate":
      return before;
  }
}
