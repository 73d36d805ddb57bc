/** Rollouts of overlays and baselines over time: a plan steps them, and they are remembered before anything of it is declared. */

import type { RolloutStep } from "../../core/fleet/rollouts/rollout.ts";
import type { DesiredState } from "../../core/model/desired.ts";
import type { Rollout } from "../../core/model/rollout.ts";
import type { Log } from "../../ports/log.ts";
import type { Recorder } from "../record/recorder.ts";

const ROLLOUTS = "rollouts";
export interface Rollouts {
  /** What a plan for this desired state has to respect; null while every group stands where it is wanted. */
  known(desired: DesiredState | null): ReadonlyMap<string, Rollout> | null;
  /** Durable on return: before the declarations that follow from it, because a canary whose way back is not on record would have none. */
  remember(desired: DesiredState, step: RolloutStep): Promise<void>;
  /** By group, in the order of their names. */
  all(): readonly Rollout[];
}

export function createRollouts(parts: { recorder: Recorder; log: Log }): Rollouts {
  const { recorder, log } = parts;
  let known = read(recorder.settings.get(ROLLOUTS));
  /** A revision in which every group stands where it is wanted: there is nothing to step until another comes. */
  let settled: DesiredState | null = null;

  async function put(next: ReadonlyMap<string, Rollout>): Promise<void> {
    const changed = [...next.values()].filter((rollout) => known.get(rollout.group) !== rollout);
    if (changed.length === 0 && next.size === known.size) return;
    await recorder.putSettings({ [ROLLOUTS]: JSON.stringify([...next.values()]) });
    for (const { group, turns } of changed) {
      const news = turns.at(-1);
      if (news !== undefined && news !== known.get(group)?.turns.at(-1))
        log.info("a rollout moved", { group, turn: news.type, digest: news.digest, message: news.message });
    }
    known = next;
  }

  return {
    known: (desired) => (desired === null || desired === settled ? null : known),
    async remember(desired, step) {
      await put(step.rollouts);
      const moves = [...step.rollouts.values()].some(
        ({ candidate, refused }) => candidate !== null || refused !== null,
      );
      settled = !moves && step.gates.size === 0 ? desired : null;
    },
    all: () => [...known.values()].sort((a, b) => (a.group < b.group ? -1 : 1)),
  };
}

function read(text: string | undefined): ReadonlyMap<string, Rollout> {
  if (text === undefined) return new Map();
  return new Map((JSON.parse(text) as Rollout[]).map((rollout) => [rollout.group, rollout]));
}
