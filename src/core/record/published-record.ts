/** The lanes and closures that a status branch tells of, in this format and in the one before it. */
import type { ClosedMission } from "../model/clone-state.ts";
import { FactoryError } from "../model/error.ts";
import type { FleetSnapshot } from "../model/fleet-state.ts";
import { type Anchor, readAnchor } from "./anchor.ts";
import { readPublishedSettings } from "./former-settings.ts";
import { type PublishedClone, readClosedMission, readPublishedClone } from "./published.ts";
import { readFleet } from "./published-fleet.ts";
import { readClosureFile, readLaneFile } from "./published-lanes.ts";
import type { RecordFiles } from "./rebuild.ts";

/** Null where reading failed, which is a problem of its own. */
export type Attempt = <T>(read: () => T) => T | null;

/** What cannot be read is told of, and the rest is read all the same. */
export function attemptsInto(problems: string[]): Attempt {
  return (read) => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof FactoryError)) throw error;
      problems.push(error.message);
      return null;
    }
  };
}

/** Null: nothing was recorded yet. Rejects `record/unreadable`. */
export function readHead({ journal }: RecordFiles): Anchor | null {
  if (journal === null) return null;
  const anchor = readAnchor(journal);
  if (anchor === null)
    throw new FactoryError(
      "record/unreadable",
      "stall",
      "the head of the journal on the status branch cannot be read",
    );
  return anchor;
}

export interface PublishedRecord {
  readonly published: ReadonlyMap<string, PublishedClone>;
  /** By the id of the mission. */
  readonly closures: ReadonlyMap<string, ClosedMission>;
}

export function readPublished(files: RecordFiles, attempt: Attempt): PublishedRecord {
  const all = <T>(
    texts: ReadonlyMap<string, string>,
    read: (path: string, text: string) => readonly T[],
  ): T[] => [...texts].flatMap(([path, text]) => attempt(() => read(path, text)) ?? []);
  const closures = [
    ...all(files.closed, (path, text) => [readClosedMission(path, text)]),
    ...all(files.closures, readClosureFile),
  ];
  const published = new Map<string, PublishedClone>();
  for (const clone of [
    ...all(files.clones, (path, text) => [readPublishedClone(path, text)]),
    ...all(files.lanes, readLaneFile),
  ]) {
    // A branch that was put together by hand may tell of one twice.
    const other = published.get(clone.clone);
    if (other === undefined || other.asOf <= clone.asOf) published.set(clone.clone, clone);
  }
  return { published, closures: new Map(closures.map((closed) => [closed.missionId, closed])) };
}

export function fleetSnapshotOf({ fleet, formerSettings }: RecordFiles): FleetSnapshot | null {
  if (fleet !== null) return readFleet(fleet.path, fleet.text);
  if (formerSettings === null) return null;
  return readPublishedSettings(formerSettings.path, formerSettings.text)?.snapshot ?? null;
}
