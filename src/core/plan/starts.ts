import { accountOf, limitsNow } from "../clone/start/throttle.ts";
import { windowAt } from "../clone/start/window.ts";
import type { CloneState } from "../model/clone-state.ts";
import type { DesiredState } from "../model/desired.ts";
import { coveringEntry, entryText } from "../model/kill-switch.ts";
import { type Instant, iso } from "../model/time.ts";
import { isInCoreOnly } from "./in-core.ts";
import type { ObservedState } from "./observed.ts";
import type { Held, PlannedAction } from "./plan.ts";

/** Clones that are brought up at the same time; the others wait their turn, so that a cold start does not trip over itself. */
const STARTING_MAX = 8;

/** Phases in which a clone takes up one of the places. */
const BUSY = new Set(["Preparing", "Starting", "Dispatching", "Running", "Stopping", "BackingOff"]);
const COMING_UP = new Set(["Preparing", "Starting", "Dispatching"]);

/**
 * Which of the clones that could start may. Whoever waits longest goes first.
 * Nothing starts beside an instance that lives but is not on record.
 */
export function planStarts(
  desired: DesiredState | null,
  observed: ObservedState,
  now: Instant,
): { actions: readonly PlannedAction[]; held: readonly Held[] } {
  const actions: PlannedAction[] = [];
  const held: Held[] = [];
  const candidates: CloneState[] = [];
  let busy = 0;
  let comingUp = 0;
  for (const state of observed.states.values()) {
    if (BUSY.has(state.phase)) busy++;
    if (COMING_UP.has(state.phase)) comingUp++;
    if (couldStart(state)) candidates.push(state);
  }
  // While the fleet is in_core_only nothing starts; what waits is told why by `planInCore`.
  if (candidates.length === 0 || isInCoreOnly(desired, observed)) return { actions, held };
  const unrecorded = new Set(
    observed.instances
      .filter(
        (seen) =>
          seen.state !== "dead" && (observed.states.get(seen.handle.clone)?.epoch ?? -1) < seen.handle.epoch,
      )
      .map((seen) => seen.handle.clone),
  );
  candidates.sort((a, b) => waitingSince(a) - waitingSince(b) || (a.name < b.name ? -1 : 1));
  // Unknown caps must not hold back what was approved before the repository became unreadable, but nor may they be exceeded by much.
  const places = desired?.fleet.caps.maxParallelMissions ?? Math.max(busy, 1);
  const limitOf = limitsNow(observed.states, now);
  for (const state of candidates) {
    const engaged = coveringEntry(observed.killSwitch ?? [], {
      clone: state.name,
      mission: state.mission?.name ?? null,
      labels: state.mission?.labels ?? {},
    });
    const obstacle =
      engaged === null
        ? null
        : { reason: "KillSwitchEngaged", message: `${entryText(engaged)}; it is not started` };
    const inTheWay =
      obstacle ??
      obstacleTo(state, {
        unrecorded,
        busy,
        places,
        comingUp,
        now,
        listed: observed.complete,
        limitedUntil: limitOf(state),
      });
    if (inTheWay !== null) {
      held.push({ subject: `mission/${state.mission?.name ?? state.name}`, action: "start", ...inTheWay });
      continue;
    }
    busy++;
    comingUp++;
    actions.push({
      type: "start",
      clone: state.name,
      mission: state.mission?.name ?? null,
      why: { trigger: "nothing holds it", fields: [], from: null, to: state.spec?.digest ?? null },
      event: {
        type: "start.planned",
        revision: state.mission?.revision ?? state.spec?.revision ?? "",
        why: "nothing holds it",
      },
    });
  }
  return { actions, held };
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

function waitingSince(state: CloneState): Instant {
  return state.mission?.assignedAt ?? state.phaseSince;
}

interface Circumstances {
  readonly unrecorded: ReadonlySet<string>;
  readonly busy: number;
  readonly places: number;
  readonly comingUp: number;
  readonly now: Instant;
  readonly listed: boolean;
  readonly limitedUntil: Instant | null;
}

function obstacleTo(state: CloneState, seen: Circumstances): { reason: string; message: string } | null {
  if (seen.unrecorded.has(state.name)) {
    return {
      reason: "Unrecorded",
      message: "an instance of this clone lives that is not on record; nothing is started beside it",
    };
  }
  if (!seen.listed)
    return {
      reason: "ListingIncomplete",
      message: "the driver could not list everything, so a second instance cannot be ruled out",
    };
  const window = state.mission?.limits.autonomy_window ?? null;
  if (window !== null && !windowAt(window, seen.now).open)
    return { reason: "OutsideWindow", message: "outside of the autonomy window" };
  if (seen.limitedUntil !== null)
    return {
      reason: "RateLimited",
      message: `${accountOf(state)} is rate limited; nothing of it is started until ${iso(seen.limitedUntil)}`,
    };
  if (seen.busy >= seen.places) {
    return {
      reason: "CapacityReached",
      message: `${seen.busy} clones are busy and fleet.yaml allows ${seen.places} at once`,
    };
  }
  if (seen.comingUp >= STARTING_MAX) {
    return {
      reason: "StartingInTurn",
      message: `${seen.comingUp} clones are coming up; at most ${STARTING_MAX} do at once`,
    };
  }
  return null;
}
