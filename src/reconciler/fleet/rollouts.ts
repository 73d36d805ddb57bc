/** Rollouts of overlays and baselines over time: stepped before every plan, remembered before anything is declared. */

import { type Gate, stepRollouts } from "../../core/fleet/rollouts/rollout.ts";
import type { DesiredState } from "../../core/model/desired.ts";
import type { Rollout } from "../../core/model/rollout.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { Recorder } from "../record/recorder.ts";

const ROLLOUTS = "rollouts";
const NO_GATES: ReadonlyMap<string, Gate> = new Map();

export interface Rollouts {
  /** What the next plan has to respect. Without a readable repository nothing is declared, so nothing is gated. */
  look(desired: DesiredState | null): Promise<ReadonlyMap<string, Gate>>;
  /** By group, in the order of their names. */
  all(): readonly Rollout[];
}

export function createRollouts(parts: { recorder: Recorder; clock: Clock; log: Log }): Rollouts {
  const { recorder, clock, log } = parts;
  let known = read(recorder.settings.get(ROLLOUTS));
  /** A revision in which every group stands where it is wanted: there is nothing to step until another comes. */
  let settled: DesiredState | null = null;

  async function remember(next: ReadonlyMap<string, Rollout>): Promise<void> {
    const changed = [...next.values()].filter((rollout) => known.get(rollout.group) !== rollout);
    if (changed.length === 0 && next.size === known.size) return;
    // Before the declarations that follow from it: a canary whose way back is not on record would have none.
    await recorder.putSettings({ [ROLLOUTS]: JSON.stringify([...next.values()]) });
    for (const { group, turns } of changed) {
      const news = turns.at(-1);
      if (news !== undefined && news !== known.get(group)?.turns.at(-1))
        log.info("a rollout moved", { group, turn: news.type, digest: news.digest, message: news.message });
    }
    known = next;
  }

  return {
    async look(desired) {
      if (desired === null) return NO_GATES;
      if (desired === settled) return NO_GATES;
      const step = stepRollouts(known, desired, recorder.states, clock.now());
      await remember(step.rollouts);
      const moves = [...step.rollouts.values()].some(
        ({ candidate, refused }) => candidate !== null || refused !== null,
      );
      settled = !moves && step.gates.size === 0 ? desired : null;
      return step.gates;
    },
    all: () => [...known.values()].sort((a, b) => (a.group < b.group ? -1 : 1)),
  };
}

function read(text: string | undefined): ReadonlyMap<string, Rollout> {
  if (text === undefined) return new Map();
  return new Map((JSON.parse(text) as Rollout[]).map((rollout) => [rollout.group, rollout]));
}
