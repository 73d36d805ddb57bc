/** A removal of many waits for the commit that confirms it, under the name that people were told. */
import type { PendingDeletion } from "../../../../src/core/model/deletion.ts";
import type { FleetEvent } from "../../../../src/core/model/fleet-event.ts";
import { FINE, type Finding, found, type Invariant, type Wanted } from "../fact.ts";

/** The files of each revision say what they remove and what they confirm. */
const deletionsAreConfirmed: Invariant = {
  name: "deletions-are-confirmed",
  ofOneRecord: true,
  promise:
    "a removal that waits is one that its commit makes, waits under the same commit until another one confirms it or takes it back",
  facts: ["fleet-recorded", "repository"],
  watch() {
    const revisions = new Map<string, Wanted>();
    let waiting: PendingDeletion | null = null;

    function held(pending: PendingDeletion): string | null {
      const before = waiting;
      waiting = pending;
      const grown = before === null || pending.names.some((name) => !before.names.includes(name));
      if (!grown && before.revision !== pending.revision)
        return `${before.revision} waits for all of it already, and people were told to confirm that one`;
      const wanted = revisions.get(pending.revision);
      if (wanted === undefined) return null;
      const there = pending.names.find((name) =>
        name.startsWith("clone/") ? wanted.clones.has(name.slice(6)) : wanted.missions.has(name.slice(8)),
      );
      if (there !== undefined) return `${pending.revision} has ${there}`;
      const broken = pending.names.find((name) => wanted.broken.has(name));
      return broken === undefined ? null : `the file of ${broken} is broken in ${pending.revision}`;
    }

    function over(
      event: Extract<FleetEvent, { type: "deletion.confirmed" | "deletion.withdrawn" }>,
    ): string | null {
      const { pending, by } = event;
      if (waiting?.revision !== pending.revision) return "it does not wait";
      waiting = null;
      const said = by.type === "repository" && by.commit !== null ? revisions.get(by.commit) : undefined;
      if (said === undefined) return null;
      const confirms = said.confirms !== null && pending.revision.startsWith(said.confirms);
      const other = said.revision !== pending.revision;
      if (event.type === "deletion.confirmed" && !(confirms && other))
        return `${said.revision} does not confirm ${pending.revision}`;
      return null;
    }

    return {
      on(fact): readonly Finding[] {
        if (fact.type === "repository" && fact.ok) revisions.set(fact.wanted.revision, fact.wanted);
        if (fact.type !== "fleet-recorded") return FINE;
        const { event, seq } = fact.event;
        let wrong: string | null = null;
        if (event.type === "fleet.restored" || event.type === "fleet.upgraded")
          waiting = event.snapshot?.pendingDeletion ?? null;
        if (event.type === "deletion.held") wrong = held(event.pending);
        if (event.type === "deletion.confirmed" || event.type === "deletion.withdrawn") wrong = over(event);
        return wrong === null ? FINE : found(null, seq, `${event.type} is recorded although ${wrong}`);
      },
    };
  },
};

export const DELETION_INVARIANTS: readonly Invariant[] = [deletionsAreConfirmed];
