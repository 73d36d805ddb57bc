import type { ActionType, PlannedAction } from "./plan.ts";

/** Stops before everything, because stop always wins; starts last, so that capacity which was freed is used. */
const ORDER: readonly ActionType[] = [
  "stop",
  "hold",
  "limit",
  "adopt",
  "bury",
  "withdraw",
  "prune",
  "postmortem",
  "declare",
  "replace",
  "assign",
  "hand_over",
  "start",
];

/** A stable order: by kind, then by clone, so that the same plan always reads the same. */
export function orderActions(actions: readonly PlannedAction[]): readonly PlannedAction[] {
  const rank = new Map(ORDER.map((type, index) => [type, index]));
  return [...actions].sort(
    (a, b) =>
      (rank.get(a.type) ?? 0) - (rank.get(b.type) ?? 0) ||
      (a.clone < b.clone ? -1 : a.clone > b.clone ? 1 : 0),
  );
}
