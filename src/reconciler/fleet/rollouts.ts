/** Rollouts of overlays and baselines over time: a plan steps them, and what has happened is on record before anything of it is declared. */

import type { RolloutStep } from "../../core/fleet/rollouts/rollout.ts";
import type { DesiredState } from "../../core/model/desired.ts";
import type { FleetState } from "../../core/model/fleet-state.ts";
import type { Rollout } from "../../core/model/rollout.ts";
import type { Log } from "../../ports/log.ts";
import type { Recorder } from "../record/recorder.ts";

export interface Rollouts {
  /** What a plan for this desired state has to respect; null while every group stands where it is wanted. */
  known(desired: DesiredState | null): KnownRollouts | null;
  /**
   * Durable on return: before the declarations that follow from it, because a canary whose way back is not on record
   * would have none. Answers false, and records nothing, when the rollouts on record are no longer those that the
   * step was made from: it is to be planned anew, so that no step is decided twice.
   */
  record(desired: DesiredState, step: RolloutStep, from: KnownRollouts): Promise<boolean>;
  /** By group, in the order of their names. */
  all(): readonly Rollout[];
}

/** Rollouts as they were on record at one moment. */
export interface KnownRollouts {
  readonly recorded: FleetState["rollouts"];
  readonly byGroup: ReadonlyMap<string, Rollout>;
}

export function createRollouts(parts: { recorder: Recorder; log: Log }): Rollouts {
  const { recorder, log } = parts;
  let all: readonly Rollout[] = inOrder(Object.values(recorder.fleet.rollouts));
  /** A revision in which every group stands where it is wanted: there is nothing to step until another comes. */
  let settled: DesiredState | null = null;

  recorder.onFleet(({ before, after }) => {
    for (const { group, turns } of Object.values(after.rollouts)) {
      const news = turns.at(-1);
      if (news !== undefined && news !== before.rollouts[group]?.turns.at(-1))
        log.info("a rollout moved", { group, turn: news.type, digest: news.digest, message: news.message });
    }
  });

  return {
    known(desired) {
      if (desired === null || desired === settled) return null;
      const recorded = recorder.fleet.rollouts;
      return { recorded, byGroup: new Map(Object.entries(recorded)) };
    },
    async record(desired, step, { recorded }) {
      if (step.events.length > 0) {
        let same = true;
        await recorder.writeFleet(({ rollouts }) => {
          same = rollouts === recorded;
          return same ? { events: step.events } : null;
        });
        if (!same) return false;
      }
      all = inOrder([...step.rollouts.values()]);
      const moves = all.some(({ candidate, refused }) => candidate !== null || refused !== null);
      settled = !moves && step.gates.size === 0 ? desired : null;
      return true;
    },
    all: () => all,
  };
}

function inOrder(rollouts: readonly Rollout[]): readonly Rollout[] {
  return [...rollouts].sort((a, b) => (a.group < b.group ? -1 : 1));
}
