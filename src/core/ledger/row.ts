import { type ActionRow, ARGUMENTS_SHOWN_MAX, DUPLICATES_KEPT_MAX } from "../model/action.ts";
import type { CloneEvent } from "../model/event.ts";
import type { Instant } from "../model/time.ts";

export type ActionEvent = Extract<
  CloneEvent,
  {
    type: "action.claimed" | "action.remembered" | "action.completed" | "action.duplicate" | "action.unknown";
  }
>;

/**
 * The row after one more event: a ledger is the fold of its mission's events,
 * and a store only keeps what can be told anew from them. An event about an action that was
 * never claimed leaves nothing behind.
 */
export function foldAction(
  row: ActionRow | null,
  event: ActionEvent,
  on: { readonly missionId: string; readonly clone: string; readonly at: Instant },
): ActionRow | null {
  const { missionId, clone, at } = on;
  if (event.type === "action.claimed" || event.type === "action.remembered") {
    const { key, action, target, arguments: given, digest, epoch, agent } = event;
    const fresh = { missionId, clone, key, action, target, arguments: given, digest, epoch, agent };
    const duplicates = { duplicates: row?.duplicates ?? [], duplicatesTotal: row?.duplicatesTotal ?? 0 };
    const reserved: ActionRow = {
      ...fresh,
      state: "reserved",
      reservedAt: at,
      settledAt: null,
      result: null,
      evidence: "",
      approval: event.type === "action.claimed" ? event.approval : null,
      ...duplicates,
    };
    if (event.type === "action.claimed" || event.state === "reserved") return reserved;
    const { state, result, evidence } = event;
    return { ...reserved, state, settledAt: at, result, evidence };
  }
  if (row === null) return null;
  switch (event.type) {
    case "action.completed":
      return {
        ...row,
        state: event.outcome === "done" ? "committed" : "failed",
        settledAt: at,
        result: event.result,
        evidence: event.evidence,
      };
    case "action.duplicate":
      return {
        ...row,
        duplicates: [...row.duplicates, at].slice(-DUPLICATES_KEPT_MAX),
        duplicatesTotal: row.duplicatesTotal + 1,
      };
    case "action.unknown":
      return { ...row, state: "unknown", settledAt: at, evidence: event.evidence };
  }
}

export function isLedgerEvent(event: CloneEvent): event is ActionEvent {
  return (
    event.type === "action.claimed" ||
    event.type === "action.remembered" ||
    event.type === "action.completed" ||
    event.type === "action.duplicate" ||
    event.type === "action.unknown"
  );
}

/** Arguments as people see them. */
export function shownArguments(canonical: string): string {
  return canonical.length <= ARGUMENTS_SHOWN_MAX
    ? canonical
    : `${canonical.slice(0, ARGUMENTS_SHOWN_MAX)} […${canonical.length - ARGUMENTS_SHOWN_MAX} more]`;
}
