import type { PendingDeletion } from "../../model/deletion.ts";
import type { DeletionEvent } from "../../model/fleet-event.ts";
import { sameValue } from "../../model/same.ts";
import { type FleetRules, type Ignored, ignored } from "../event-rules.ts";

export const DELETION_EVENTS: FleetRules<PendingDeletion | null, DeletionEvent["type"]> = {
  "deletion.held": {
    on: (before, { pending }) => (sameValue(before, pending) ? ignored("it is held already") : pending),
    describe: ({ pending }) =>
      `${what(pending)} waits for a second commit that confirms it: ${pending.names.join(", ")}`,
  },
  "deletion.confirmed": {
    on: (before, { pending }) => onOver(before, pending),
    describe: ({ pending }) => `${what(pending)} is confirmed: ${pending.names.join(", ")}`,
  },
  "deletion.withdrawn": {
    on: (before, { pending }) => onOver(before, pending),
    describe: ({ pending }) =>
      `${what(pending)} no longer waits: nothing of it is to be removed without a confirmation`,
  },
};

function onOver(before: PendingDeletion | null, over: PendingDeletion): null | Ignored {
  return before?.revision === over.revision ? null : ignored("it does not wait");
}

function what({ revision, names }: PendingDeletion): string {
  return `the removal of ${names.length} by commit ${revision.slice(0, 12)}`;
}
