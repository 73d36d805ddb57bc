import type { ActionRow } from "../../src/core/model/action.ts";

/** The newest `limit` rows, in the order of their reservation; at the same moment by key. */
export function newestActions(rows: readonly ActionRow[], limit: number): readonly ActionRow[] {
  const ordered = [...rows].sort((a, b) => a.reservedAt - b.reservedAt || (a.key < b.key ? -1 : 1));
  return ordered.slice(Math.max(0, ordered.length - Math.max(0, limit)));
}
