import type { ActionCounts } from "../model/action.ts";
import type { CloneState } from "../model/clone-state.ts";
import type { WhyStep } from "./view.ts";

/** What a mission did outside, as one line for people; null when it did not claim anything. */
export function actionSummary(counts: ActionCounts): string | null {
  const { claimed, committed, failed, duplicates, conflicts, unknown, refused } = counts;
  if (claimed + refused + conflicts === 0) return null;
  const open = claimed - committed - failed;
  return [
    `${claimed} claimed, ${committed} done, ${failed} failed`,
    ...(open > 0 ? [`${open} not completed`] : []),
    ...(duplicates > 0 ? [`${duplicates} ${duplicates === 1 ? "repeat" : "repeats"} answered`] : []),
    ...(conflicts > 0 ? [`${conflicts} in conflict`] : []),
    ...(unknown > 0 ? [`${unknown} of unknown outcome`] : []),
    ...(refused > 0 ? [`${refused} refused`] : []),
  ].join("; ");
}

/** Runbook 6.1, as `factory why` tells it; nothing for a mission that did not claim anything. */
export function actionSteps({ mission }: CloneState): readonly WhyStep[] {
  const done = mission === null ? null : actionSummary(mission.actions);
  if (mission === null || done === null) return [];
  const next = `\`factory actions ${mission.name}\``;
  return [{ step: "6.1", name: "Actions", ok: true, reason: "Counted", evidence: done, since: null, next }];
}
