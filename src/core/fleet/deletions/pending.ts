/** When a removal that waits for its confirmation is confirmed or over, as events for the record. */
import { repositoryAt } from "../../model/actor.ts";
import type { PendingDeletion } from "../../model/deletion.ts";
import type { DesiredState } from "../../model/desired.ts";
import type { DeletionEvent, FleetEventOf } from "../../model/fleet-event.ts";
import { sameValue } from "../../model/same.ts";

/** Shorter prefixes of a commit could mean another one. */
const COMMIT_PREFIX_MIN = 12;

type Declared = Pick<DesiredState, "revision" | "confirmDeletion">;

/**
 * Whether `fleet.yaml` confirms it: it names the commit that removed them, which nobody can know while writing that
 * commit, so a slip of the hand cannot confirm itself.
 */
export function isConfirmed(pending: PendingDeletion, { revision, confirmDeletion }: Declared): boolean {
  return (
    confirmDeletion !== null &&
    confirmDeletion.length >= COMMIT_PREFIX_MIN &&
    pending.revision.startsWith(confirmDeletion) &&
    pending.revision !== revision
  );
}

/** `after`: what a plan made from these declarations leaves waiting. Asked again after that was recorded, it answers nothing. */
export function deletionNews(
  before: PendingDeletion | null,
  after: PendingDeletion | null,
  declared: Declared,
): readonly FleetEventOf<DeletionEvent["type"]>[] {
  if (sameValue(before, after)) return [];
  const by = repositoryAt(declared.revision);
  if (after !== null) return [{ type: "deletion.held", by, pending: after }];
  if (before === null) return [];
  const type = isConfirmed(before, declared) ? "deletion.confirmed" : "deletion.withdrawn";
  return [{ type, by, pending: before }];
}
