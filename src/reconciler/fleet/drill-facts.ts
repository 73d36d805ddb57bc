/** What planned drills are decided from. */
import type { DrillFacts } from "../../core/fleet/drills/drill-news.ts";
import { drillTargets } from "../../core/fleet/drills/due.ts";
import type { Calendar } from "../../core/model/calendar.ts";
import type { DesiredState } from "../../core/model/desired.ts";
import type { SwitchEntry } from "../../core/model/kill-switch.ts";
import type { Destination } from "../../core/model/notice.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Drills } from "../../ports/drills.ts";
import type { Log } from "../../ports/log.ts";
import type { Recorder } from "../record/recorder.ts";

export interface PlannedDrillParts {
  readonly recorder: Recorder;
  readonly drills: Drills;
  readonly desired: () => DesiredState | null;
  readonly destinations: () => readonly Destination[] | null;
  readonly killSwitch: () => readonly SwitchEntry[];
  /** Why nobody knows whether the kill switch is engaged; default: that is always known. */
  readonly killSwitchUnknown?: () => string | null;
  readonly clock: Clock;
  readonly calendar: Calendar;
  readonly log: Log;
  readonly onChange: () => void;
  /** Whether anything may be begun on this record: not while it may be one that was lost. */
  readonly mayRecord: () => boolean;
}

/** At this moment, but for what was made and what is being made. */
export function factsOf(parts: PlannedDrillParts): Omit<DrillFacts, "results" | "own"> {
  const desired = parts.desired();
  const facts = { obstacle: obstacleIn(parts), now: parts.clock.now(), calendar: parts.calendar };
  // A file that cannot be read says nothing about what was planned.
  if (desired === null || desired.broken.has("fleet")) return { ...facts, declared: null };
  const { revision, fleet, clones } = desired;
  const plan = fleet.drills.kill;
  const targets = plan === null ? [] : drillTargets(plan.targets, clones);
  return { ...facts, declared: { plan, revision, targets } };
}

/** Nothing starts while everything is to be still, or may be. */
export function obstacleIn({ killSwitch, killSwitchUnknown }: PlannedDrillParts): string | null {
  if (killSwitch().some(({ scope }) => scope.type === "fleet"))
    return "the kill switch is engaged for the fleet, so nothing is launched";
  return killSwitchUnknown?.() ?? null;
}
