/** What clones are made of reaches the canaries first, and what was refused reaches nobody. */
import type { DesiredClone } from "../../../../src/core/model/clone.ts";
import type { FleetEvent } from "../../../../src/core/model/fleet-event.ts";
import type { FleetSnapshot } from "../../../../src/core/model/fleet-state.ts";
import { FINE, type Finding, found, type Invariant } from "../fact.ts";

interface Trial {
  readonly digest: string;
  readonly canaries: Set<string>;
}

/** By what clones are declared to be, one after the other, whatever the plan says that gated them. */
const canariesComeFirst: Invariant = {
  name: "canaries-come-first",
  ofOneRecord: true,
  promise: "what is being tried reaches the canaries alone, and what was refused reaches nobody",
  facts: ["recorded", "fleet-recorded"],
  watch() {
    const trials = new Map<string, Trial>();
    const refused = new Map<string, string>();

    function restore(rollouts: FleetSnapshot["rollouts"] = {}): void {
      trials.clear();
      refused.clear();
      for (const { group, candidate, refused: no } of Object.values(rollouts)) {
        if (candidate !== null)
          trials.set(group, {
            digest: candidate.digest,
            canaries: new Set(Object.keys(candidate.canaries)),
          });
        if (no !== null) refused.set(group, no.digest);
      }
    }

    function follow(event: FleetEvent): void {
      switch (event.type) {
        case "fleet.restored":
        case "fleet.upgraded":
          restore(event.snapshot?.rollouts);
          return;
        case "rollout.group_gone":
          trials.delete(event.group);
          refused.delete(event.group);
          return;
        case "rollout.begun":
          trials.set(event.group, { digest: event.digest, canaries: new Set() });
          return;
        case "rollout.canaries_chosen":
          for (const name of Object.keys(event.canaries)) trials.get(event.group)?.canaries.add(name);
          return;
        case "rollout.refused":
          refused.set(event.group, event.digest);
          trials.delete(event.group);
          return;
        case "rollout.promoted":
          trials.delete(event.group);
          refused.delete(event.group);
          return;
        case "rollout.superseded":
          trials.delete(event.group);
          return;
        case "rollout.withdrawn":
          refused.delete(event.group);
          return;
        default:
          return;
      }
    }

    return {
      on(fact): readonly Finding[] {
        if (fact.type === "fleet-recorded") follow(fact.event.event);
        if (fact.type !== "recorded" || fact.event.event.type !== "clone.declared") return FINE;
        const { before, event } = fact;
        const { spec } = fact.event.event;
        const { workspaceDigest: digest } = spec;
        const group = groupOf(spec);
        if (before.spec?.workspaceDigest === digest) return FINE;
        if (refused.get(group) === digest)
          return found(event.clone, event.seq, `it is declared to be made of ${digest}, which was refused`);
        const trial = trials.get(group);
        const early = before.spec !== null && trial?.digest === digest && !trial.canaries.has(event.clone);
        return early
          ? found(event.clone, event.seq, `it is declared to be made of ${digest}, which others try first`)
          : FINE;
      },
    };
  },
};

/** Clones that are made of the same. */
function groupOf({ baseline, overlays }: DesiredClone): string {
  return [baseline.name, ...overlays].join("+");
}

export const CANARY_INVARIANTS: readonly Invariant[] = [canariesComeFirst];
