/** `missions/<name>/README.md`: every run of a mission that is told of on the branch, where there is more than one. */
import { actorText } from "../model/actor.ts";
import type { ClosedMission } from "../model/clone-state.ts";
import { iso } from "../model/time.ts";
import { cell, code, duration, page } from "./text.ts";

export interface ShownRun {
  readonly closed: ClosedMission;
  /** Where its report stands, from the folder of the mission; empty: in it. */
  readonly folder: string;
}

/** The newest first. */
export function runsPage(name: string, runs: readonly ShownRun[]): string {
  const rows = [...runs]
    .sort((a, b) => b.closed.run - a.closed.run)
    .map(({ closed, folder }) => {
      const { run, outcome, closedAt, scorecard, decision, decidedBy } = closed;
      const { cost_usd: cost, active_ms: active } = scorecard.economics;
      const by = decidedBy === null ? "" : `, ${cell(actorText(decidedBy))}`;
      return `| ${run} | ${outcome} | ${iso(closedAt)} | ${cost === null ? "unknown" : `${cost} USD`} | ${duration(active)} | ${decision}${by} | [closure](${folder}closure.md) · [scorecard](${folder}scorecard.yaml) · [outputs](${folder}artifacts.json) |`;
    });
  return page([
    `# Runs of ${code(name)}`,
    "",
    "| Run | Outcome | Closed | Cost | Active | Decision | |",
    "|---:|---|---|---:|---:|---|---|",
    ...rows,
    "",
  ]);
}
