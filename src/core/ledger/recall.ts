import type { ActionRow, RememberedAction } from "../model/action.ts";
import type { ActionEvent } from "./row.ts";

/**
 * What the ledger has to be told before it judges: a record that was lost may lack an action that a living instance has
 * claimed, or what came of it, and `judgeClaim` would let it go a second time. Null where the row says the same.
 *
 * The shim of the highest epoch remembers what its agent was told and has said, so it is never behind the record, but
 * for one thing: what is done stays done, whatever a request says that was under way for long.
 */
export function recalled(
  row: ActionRow | null,
  remembered: RememberedAction | null,
  asked: { readonly key: string; readonly epoch: number },
): Extract<ActionEvent, { type: "action.remembered" }> | null {
  if (remembered === null || remembered.key !== asked.key) return null;
  const { epoch } = asked;
  if (row?.state === "committed") {
    // What came of it is not published, so a rebuilt record knows only that it is done.
    if (remembered.state !== "committed" || row.result !== null || remembered.result === null) return null;
  } else if (
    row?.state === remembered.state &&
    row.digest === remembered.digest &&
    isHolder(row, remembered, epoch)
  ) {
    return null;
  }
  return { type: "action.remembered", epoch, before: row?.state ?? null, ...remembered };
}

/** Who holds it matters only as long as somebody does. */
function isHolder(row: ActionRow, remembered: RememberedAction, epoch: number): boolean {
  return row.state !== "reserved" || (row.epoch === epoch && row.agent === remembered.agent);
}
