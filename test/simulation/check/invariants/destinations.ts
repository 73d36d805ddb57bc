/** Who is told of things: whom the files name, and who has said so himself. */
import type { FleetEvent } from "../../../../src/core/model/fleet-event.ts";
import { sameValue } from "../../../../src/core/model/same.ts";
import { MINUTE_MS } from "../../../../src/core/model/time.ts";
import { FINE, type Finding, found, type Invariant, type Wanted } from "../fact.ts";

/** A notice that was taken while people are told that its receiver fails: the two may cross each other. */
const CROSSED_MS = 5 * MINUTE_MS;

/** Receivers say what they answered, and authors what they wrote. */
const destinationsAsTheySay: Invariant = {
  name: "destinations-as-they-say",
  promise:
    "destinations on record are those of a commit, and one wants nothing more, or takes notices again, when it has said so",
  facts: ["fleet-recorded", "repository", "told"],
  watch() {
    const revisions = new Map<string, Wanted>();
    const gone = new Set<string>();
    const takenMs = new Map<string, number>();
    const downMs = new Map<string, number>();

    function declared({
      by,
      destinations,
    }: Extract<FleetEvent, { type: "destinations.declared" }>): string | null {
      const said =
        by.type === "repository" && by.commit !== null ? revisions.get(by.commit)?.destinations : null;
      return said == null || sameValue(said, destinations) ? null : "its commit names others";
    }

    function step(event: FleetEvent, decidedMs: number): string | null {
      switch (event.type) {
        case "destinations.declared":
          return declared(event);
        case "destination.gone":
          return gone.has(event.destination) ? null : `${event.destination} never said so`;
        case "destination.down":
          downMs.set(event.destination, decidedMs);
          return null;
        case "destination.up": {
          const since = (downMs.get(event.destination) ?? 0) - CROSSED_MS;
          return (takenMs.get(event.destination) ?? Number.NEGATIVE_INFINITY) >= since
            ? null
            : `${event.destination} took nothing since it was down`;
        }
        default:
          return null;
      }
    }

    return {
      on(fact, elapsedMs): readonly Finding[] {
        if (fact.type === "repository" && fact.ok) revisions.set(fact.wanted.revision, fact.wanted);
        if (fact.type === "told") {
          if (fact.gone === true) gone.add(fact.destination);
          if (fact.taken) takenMs.set(fact.destination, elapsedMs);
        }
        if (fact.type !== "fleet-recorded") return FINE;
        const { event, seq } = fact.event;
        const wrong = step(event, fact.decidedMs);
        return wrong === null ? FINE : found(null, seq, `${event.type} is recorded although ${wrong}`);
      },
    };
  },
};

export const DESTINATION_INVARIANTS: readonly Invariant[] = [destinationsAsTheySay];
