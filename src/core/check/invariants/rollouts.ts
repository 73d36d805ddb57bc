/** Rollouts of what clones are made of: each has one beginning, one end, and each canary is chosen once. */
import type { FleetEvent } from "../../model/fleet-event.ts";
import { FINE, type Finding, found, type Invariant } from "../fact.ts";

interface Trial {
  readonly digest: string;
  readonly canaries: Set<string>;
}

interface Group {
  trying: Trial | null;
  refused: string | null;
  /** What it was last said to work with. */
  stable: string | null;
}

/** Follows the steps by what they are called, apart from the fold, which would ignore a second one. */
const stepsAreDecidedOnce: Invariant = {
  name: "rollout-steps-once",
  ofOneRecord: true,
  promise: "each step of a rollout is decided once",
  facts: ["fleet-recorded"],
  watch() {
    const groups = new Map<string, Group>();

    function groupOf(name: string): Group {
      const known = groups.get(name) ?? { trying: null, refused: null, stable: null };
      groups.set(name, known);
      return known;
    }

    function restore(event: Extract<FleetEvent, { type: "fleet.restored" | "fleet.upgraded" }>): void {
      groups.clear();
      for (const { group, candidate, refused, stable } of Object.values(event.snapshot?.rollouts ?? {}))
        groups.set(group, {
          trying:
            candidate === null
              ? null
              : { digest: candidate.digest, canaries: new Set(Object.keys(candidate.canaries)) },
          refused: refused?.digest ?? null,
          stable,
        });
    }

    /** What is wrong with a step, in words; null when it is the next one. */
    function step(event: FleetEvent): string | null {
      switch (event.type) {
        case "fleet.restored":
        case "fleet.upgraded":
          restore(event);
          return null;
        case "rollout.group_gone":
          return groups.delete(event.group) ? null : "the group is known to nobody";
        case "rollout.begun": {
          const group = groupOf(event.group);
          if (group.trying !== null) return `${group.trying.digest} is being tried already`;
          group.trying = { digest: event.digest, canaries: new Set() };
          return null;
        }
        case "rollout.canaries_chosen": {
          const { trying } = groupOf(event.group);
          if (trying?.digest !== event.digest) return "it is not being tried";
          const again = Object.keys(event.canaries).filter((name) => trying.canaries.has(name));
          for (const name of Object.keys(event.canaries)) trying.canaries.add(name);
          return again.length === 0 ? null : `${again.join(", ")} tried it already`;
        }
        case "rollout.promoted": {
          const group = groupOf(event.group);
          // Without canaries nothing is tried before.
          if (group.trying === null ? group.stable === event.digest : group.trying.digest !== event.digest)
            return group.trying === null ? "it is stable already" : "it is not being tried";
          group.trying = null;
          group.refused = null;
          group.stable = event.digest;
          return null;
        }
        case "rollout.refused":
        case "rollout.superseded": {
          const group = groupOf(event.group);
          if (group.trying?.digest !== event.digest) return "it is not being tried";
          group.trying = null;
          if (event.type === "rollout.refused") group.refused = event.digest;
          return null;
        }
        case "rollout.withdrawn": {
          const group = groupOf(event.group);
          if (group.refused !== event.digest) return "it was not refused";
          group.refused = null;
          return null;
        }
        default:
          return null;
      }
    }

    return {
      on(fact): readonly Finding[] {
        if (fact.type !== "fleet-recorded") return FINE;
        const { event, seq } = fact.event;
        const wrong = step(event);
        if (wrong === null) return FINE;
        const digest = "digest" in event ? ` of ${event.digest}` : "";
        return found(null, seq, `${event.type}${digest} is decided although ${wrong}`);
      },
    };
  },
};

export const ROLLOUT_INVARIANTS: readonly Invariant[] = [stepsAreDecidedOnce];
