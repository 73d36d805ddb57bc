import type { Rollout } from "../model/rollout.ts";
import type { Instant } from "../model/time.ts";
import type { InboxItem } from "./view.ts";

/** One group of clones and how far a change of what they are made of has come. */
export interface RolloutView {
  readonly group: string;
  readonly state: "stable" | "trying" | "refused";
  readonly stable: string | null;
  readonly candidate: {
    readonly digest: string;
    readonly revision: string;
    readonly since: Instant;
    readonly canaries: readonly string[];
  } | null;
  readonly refused: {
    readonly digest: string;
    readonly revision: string;
    readonly at: Instant;
    readonly reason: string;
    readonly reverted: readonly string[];
  } | null;
  readonly turns: Rollout["turns"];
}

export function rolloutView({ group, stable, candidate, refused, turns }: Rollout): RolloutView {
  return {
    group,
    state: candidate !== null ? "trying" : refused !== null ? "refused" : "stable",
    stable,
    candidate:
      candidate === null
        ? null
        : {
            digest: candidate.digest,
            revision: candidate.revision,
            since: candidate.since,
            canaries: Object.keys(candidate.canaries).sort(),
          },
    refused:
      refused === null
        ? null
        : {
            digest: refused.digest,
            revision: refused.revision,
            at: refused.at,
            reason: refused.reason,
            reverted: Object.keys(refused.back).sort(),
          },
    turns,
  };
}

/** A change that was refused stands in the repository and is not in force: somebody has to take it back or mend it. */
export function rolloutItems(rollouts: readonly Rollout[]): readonly InboxItem[] {
  return rollouts.flatMap(({ group, refused }) =>
    refused === null
      ? []
      : [
          {
            id: `fleet.rollout.${group}`,
            severity: "warning" as const,
            kind: "rollout",
            subject: group,
            since: refused.at,
            message: `commit ${refused.revision.slice(0, 12)} was refused by its canary: ${refused.reason}`,
            answers: [`git revert ${refused.revision}`, "or mend it in a new commit", "factory rollouts"],
          },
        ],
  );
}
