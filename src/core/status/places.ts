/** Where each mission and each clone is told of on the status branch: in a folder of its own, or with a row of a page. */
import type { CloneState } from "../model/clone-state.ts";
import type { FleetView, InboxItem, MissionView } from "./view.ts";

/** Folders of missions, each run counted, and as many of clones. Half of what the large forges show of one folder. */
export const FOLDERS_MAX = 500;

export interface Places {
  /** Ids of missions with a folder, what matters most first. */
  readonly missions: ReadonlySet<string>;
  /** Names of clones with a folder, in the same order. */
  readonly clones: ReadonlySet<string>;
}

/**
 * First what waits for a person, then what has begun, then what was closed, the newest first, then what waits to begin. A fleet that is small
 * enough has a folder for everything.
 */
export function placesOf(
  view: FleetView,
  states: ReadonlyMap<string, CloneState>,
  inbox: readonly InboxItem[],
): Places {
  const asked = new Map<string, number>();
  for (const [index, { subject }] of inbox.entries()) if (!asked.has(subject)) asked.set(subject, index);
  return { missions: missionsOf(view, states, asked), clones: clonesOf(view, asked) };
}

interface Ranked {
  readonly id: string;
  readonly rank: number;
  /** Within a rank; the lowest first. */
  readonly order: number;
}

function missionsOf(
  view: FleetView,
  states: ReadonlyMap<string, CloneState>,
  asked: ReadonlyMap<string, number>,
): ReadonlySet<string> {
  const newest = new Set(view.missions.map(({ missionId }) => missionId));
  const ranked = view.missions.map((mission): Ranked => {
    const { missionId: id, closure } = mission;
    const waits = asked.get(mission.name);
    if (waits !== undefined) return { id, rank: 0, order: waits };
    if (closure !== null) return { id, rank: 2, order: -closure.closedAt };
    return { id, rank: hasBegun(mission, states.get(mission.clone)) ? 1 : 3, order: 0 };
  });
  for (const { past } of states.values())
    for (const { missionId: id, closedAt } of past)
      if (!newest.has(id)) ranked.push({ id, rank: 2, order: -closedAt });
  return firstOf(ranked);
}

function hasBegun({ missionId }: MissionView, lane: CloneState | undefined): boolean {
  if (lane?.mission?.missionId !== missionId) return false;
  return lane.mission.firstLaunchAt !== null || lane.phase !== "Idle";
}

function clonesOf(view: FleetView, asked: ReadonlyMap<string, number>): ReadonlySet<string> {
  return firstOf(
    view.clones.map(({ name, mission, phase }): Ranked => {
      const waits = asked.get(name) ?? (mission === null ? undefined : asked.get(mission));
      if (waits !== undefined) return { id: name, rank: 0, order: waits };
      return { id: name, rank: phase === "Idle" || phase === "Retired" ? 3 : 1, order: 0 };
    }),
  );
}

/** Sorting is stable: what is equal stays by name. */
function firstOf(ranked: readonly Ranked[]): ReadonlySet<string> {
  const sorted = [...ranked].sort((a, b) => a.rank - b.rank || a.order - b.order);
  return new Set(sorted.slice(0, FOLDERS_MAX).map(({ id }) => id));
}
