import { accountOf, limitsNow } from "../clone/start/throttle.ts";
import { windowAt } from "../clone/start/window.ts";
import type { Calendar } from "../model/calendar.ts";
import type { ParallelCap } from "../model/clone.ts";
import type { CloneState } from "../model/clone-state.ts";
import type { DesiredState } from "../model/desired.ts";
import { coveringEntry, entryText } from "../model/kill-switch.ts";
import { type Instant, iso } from "../model/time.ts";
import { isInCoreOnly } from "./in-core.ts";
import type { ObservedState } from "./observed.ts";
import { type Held, type Obstacle, type PlanStepDraft, stepOn } from "./step.ts";

/** Clones that are brought up at the same time; the others wait their turn, so that a cold start does not trip over itself. */
const STARTING_MAX = 8;

/** Phases in which a clone takes up one of the places. */
const BUSY = new Set(["Preparing", "Starting", "Dispatching", "Running", "Stopping", "BackingOff"]);
const COMING_UP = new Set(["Preparing", "Starting", "Dispatching"]);

/**
 * Which of the clones that could start may. The one that waits longest goes first.
 * Nothing starts beside an instance that lives but is not on record.
 *
 * What only waits for a place, its turn, its window or its account is held together with its step:
 * capacity decides when it starts, and not whether the plan names it.
 */
export function planStarts(
  desired: DesiredState | null,
  observed: ObservedState,
  {
    states,
    now,
    calendar,
  }: {
    readonly states: ReadonlyMap<string, CloneState>;
    readonly now: Instant;
    readonly calendar: Calendar;
  },
): { readonly start: readonly PlanStepDraft[]; readonly held: readonly Held[] } {
  const start: PlanStepDraft[] = [];
  const held: Held[] = [];
  const candidates: CloneState[] = [];
  let busy = 0;
  let comingUp = 0;
  for (const state of states.values()) {
    if (BUSY.has(state.phase)) busy++;
    if (COMING_UP.has(state.phase)) comingUp++;
    if (couldStart(state)) candidates.push(state);
  }
  // While the fleet is in_core_only nothing starts; what waits is told why by `planInCore`.
  if (candidates.length === 0 || isInCoreOnly(desired, observed)) return { start, held };
  const unrecorded = unrecordedOf(observed);
  candidates.sort((a, b) => waitingSince(a) - waitingSince(b) || (a.name < b.name ? -1 : 1));
  // Unknown caps must not hold back what was approved before the repository became unreadable, but nor may they be exceeded by much.
  const places = desired?.fleet.caps.maxParallelMissions ?? Math.max(busy, 1);
  const limitOf = limitsNow(states, now);
  const byOverlay = overlayPlaces(desired, states);
  for (const state of candidates) {
    const step = starting(state);
    const subject = `mission/${state.mission?.name ?? state.name}`;
    const stopped = stopOf(state, observed);
    if (stopped !== null) {
      held.push({ subject, step: "start", ...stopped });
      continue;
    }
    const limitedUntil = limitOf(state);
    const obstacle = obstacleTo(state, {
      observed,
      unrecorded,
      busy,
      places,
      fullOverlay: byOverlay.fullFor(state.name),
      comingUp,
      now,
      calendar,
      limitedUntil,
    });
    if (obstacle !== null) {
      held.push({ subject, step: "start", ...obstacle, waiting: step });
      continue;
    }
    busy++;
    comingUp++;
    byOverlay.take(state.name);
    start.push(step);
  }
  return { start, held };
}

interface OverlayPlaces {
  fullFor(clone: string): ParallelCap | null;
  take(clone: string): void;
}

/** Places that overlays give to the clones which carry them. While the repository cannot be read nobody knows them, and what was approved goes on. */
function overlayPlaces(desired: DesiredState | null, states: ReadonlyMap<string, CloneState>): OverlayPlaces {
  const caps = new Map<string, number>();
  for (const { parallelCaps = [] } of desired?.clones.values() ?? [])
    for (const { overlay, max } of parallelCaps) caps.set(overlay, max);
  const taken = new Map<string, number>();
  const capped = (clone: string): readonly string[] => {
    const spec = desired?.clones.get(clone) ?? states.get(clone)?.spec;
    return caps.size === 0 ? [] : (spec?.overlays ?? []).filter((overlay) => caps.has(overlay));
  };
  const take = (clone: string): void => {
    for (const overlay of capped(clone)) taken.set(overlay, (taken.get(overlay) ?? 0) + 1);
  };
  if (caps.size > 0) for (const { name, phase } of states.values()) if (BUSY.has(phase)) take(name);
  return {
    take,
    fullFor(clone) {
      const overlay = capped(clone).find((one) => (taken.get(one) ?? 0) >= (caps.get(one) ?? 0));
      return overlay === undefined ? null : { overlay, max: caps.get(overlay) ?? 0 };
    },
  };
}

function couldStart(state: CloneState): boolean {
  return (
    state.phase === "Idle" &&
    state.mission !== null &&
    state.mission.terminal === null &&
    state.mission.handover === null &&
    state.spec !== null &&
    !state.withdrawn &&
    state.holds.length === 0
  );
}

function starting(state: CloneState): PlanStepDraft {
  const trigger = "nothing holds it";
  return stepOn(state, {
    type: "start",
    why: { trigger, to: state.spec?.digest ?? null },
    event: {
      type: "start.planned",
      revision: state.mission?.revision ?? state.spec?.revision ?? "",
      why: trigger,
    },
  });
}

function waitingSince(state: CloneState): Instant {
  return state.mission?.assignedAt ?? state.phaseSince;
}

/** Clones of which an instance lives whose epoch the record has not come to. */
function unrecordedOf(observed: ObservedState): ReadonlySet<string> {
  return new Set(
    observed.instances
      .filter(
        ({ state, handle }) =>
          state !== "dead" && (observed.states.get(handle.clone)?.epoch ?? -1) < handle.epoch,
      )
      .map(({ handle }) => handle.clone),
  );
}

/** People have engaged the kill switch for it. */
function stopOf(state: CloneState, observed: ObservedState): Obstacle | null {
  const engaged = coveringEntry(observed.killSwitch ?? [], {
    clone: state.name,
    mission: state.mission?.name ?? null,
    labels: state.mission?.labels ?? {},
  });
  return engaged === null
    ? null
    : { reason: "KillSwitchEngaged", message: `${entryText(engaged)}; it is not started` };
}

interface Circumstances {
  readonly observed: ObservedState;
  readonly unrecorded: ReadonlySet<string>;
  readonly busy: number;
  readonly places: number;
  /** An overlay of it whose places are all taken, and how many those are. */
  readonly fullOverlay: ParallelCap | null;
  readonly comingUp: number;
  readonly now: Instant;
  readonly calendar: Calendar;
  readonly limitedUntil: Instant | null;
}

function obstacleTo(state: CloneState, around: Circumstances): Obstacle | null {
  const { observed } = around;
  if (around.unrecorded.has(state.name)) {
    return {
      reason: "Unrecorded",
      message: "an instance of this clone lives that is not on record; nothing is started beside it",
    };
  }
  if (!observed.complete)
    return {
      reason: "ListingIncomplete",
      message: "the driver could not list everything, so a second instance cannot be ruled out",
    };
  const window = state.mission?.limits.autonomy_window ?? null;
  if (window !== null && !windowAt(window, around.now, around.calendar).open)
    return { reason: "OutsideWindow", message: "outside of the autonomy window" };
  if (around.limitedUntil !== null)
    return {
      reason: "RateLimited",
      message: `${accountOf(state)} is rate limited; nothing of it is started until ${iso(around.limitedUntil)}`,
    };
  if (around.busy >= around.places) {
    return {
      reason: "CapacityReached",
      message: `${around.busy} clones are busy and fleet.yaml allows ${around.places} at once`,
    };
  }
  if (around.fullOverlay !== null) {
    const { overlay, max } = around.fullOverlay;
    return {
      reason: "CapacityReached",
      message: `overlay ${overlay} allows ${max} of its clones at once, and as many are busy`,
    };
  }
  if (around.comingUp >= STARTING_MAX) {
    return {
      reason: "StartingInTurn",
      message: `${around.comingUp} clones are coming up; at most ${STARTING_MAX} do at once`,
    };
  }
  return observed.doubt;
}
