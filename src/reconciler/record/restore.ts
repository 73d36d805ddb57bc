/** Rebuilds a record that was lost, on a store in which nothing stands yet. */
import type { Actor } from "../../core/model/actor.ts";
import { FactoryError } from "../../core/model/error.ts";
import type { InstanceHandle } from "../../core/model/instance.ts";
import { type FoundInstance, planRebuild, type Rebuild } from "../../core/record/rebuild.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Driver } from "../../ports/driver.ts";
import type { Log } from "../../ports/log.ts";
import type { Store } from "../../ports/store.ts";
import { clonesIn, recordFiles } from "./published-files.ts";
import { openRecorder } from "./recorder.ts";
import type { RightToAct } from "./right-to-act.ts";

export interface Survey {
  readonly rebuild: Rebuild;
  /** Who lives without anything by which it could be adopted. */
  readonly orphans: readonly { readonly driver: Driver; readonly handle: InstanceHandle }[];
}

/**
 * Looks at everything and changes nothing. Rejects `driver/listing` when a driver cannot
 * say what lives: somebody whom we do not see would be doubled.
 */
export async function surveyRecord(parts: {
  /** Everything on the status branch, by path. */
  readonly files: ReadonlyMap<string, string>;
  readonly commit: string;
  readonly drivers: readonly Driver[];
  readonly keyKept: boolean;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}): Promise<Survey> {
  const { signal } = parts;
  const instances: FoundInstance[] = [];
  const orphans: Survey["orphans"][number][] = [];
  for (const driver of parts.drivers) {
    const listing = await driver.list(signal);
    if (!listing.complete)
      throw new FactoryError("driver/listing", "retry", listing.problem ?? "the listing is not complete");
    for (const seen of listing.instances)
      instances.push({
        ...seen,
        missionId: await missionOf(driver, seen.handle, signal),
        remembered: await driver.remembered(seen.handle, signal),
        orphan: false,
      });
    for (const handle of (await driver.orphans?.find(signal)) ?? []) orphans.push({ driver, handle });
  }
  const files = recordFiles(parts.files);
  const names = [...instances.map(({ handle }) => handle.clone), ...clonesIn(files)];
  return {
    orphans,
    rebuild: planRebuild({
      files,
      instances: [...instances, ...orphans.map(({ handle }) => gone(handle))],
      workspaces: await workspacesOf(names, parts.drivers, signal),
      keyKept: parts.keyKept,
      commit: parts.commit,
      now: parts.clock.now(),
    }),
  };
}

/** Clones that have a workspace, on whichever driver's machine. */
async function workspacesOf(
  clones: readonly string[],
  drivers: readonly Driver[],
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const { workspaces } of drivers)
    for (const clone of new Set(clones))
      if (await workspaces.exists(workspaces.refOf(clone), signal)) found.add(clone);
  return found;
}

/**
 * Ends whoever cannot be adopted, then records that a rebuilding has begun, every lane, and last of all the fleet. Until
 * that is done a controller refuses the record, and a repetition on a new store does the same again.
 * Rejects `driver/survivors` with nothing recorded when somebody could not be ended.
 */
export async function restoreRecord(
  survey: Survey,
  parts: {
    readonly store: Store;
    readonly clock: Clock;
    readonly log: Log;
    /** Who does it. */
    readonly by: Actor;
    readonly right: Pick<RightToAct, "term" | "lost" | "lose">;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { store, clock, log, right } = parts;
  for (const { driver, handle } of survey.orphans) {
    const proof = await driver.orphans?.end(handle, parts.signal);
    log.warn("an instance whose folder is lost was ended", {
      clone: handle.clone,
      epoch: handle.epoch,
      proof: proof?.evidence,
    });
  }
  const recorder = await openRecorder({ store, clock, log, right });
  if (recorder.states.size > 0 || recorder.fleet.version > 0)
    throw new FactoryError("record/not-empty", "stall", "a record is rebuilt only where nothing stands yet");
  const { by } = parts;
  const { anchor, lanes, fleet } = survey.rebuild;
  const head = anchor === null ? null : { seq: anchor.seq, hash: anchor.hash };
  await recorder.writeFleet(() => ({ events: [{ type: "record.rebuilding", by, replaces: head }] }));
  await Promise.all(
    lanes.map(({ clone, event }) =>
      recorder.write(clone, (state) =>
        state.version > 0 ? null : { events: [event], actions: () => event.actions },
      ),
    ),
  );
  const { snapshot, evidence } = fleet;
  await recorder.writeFleet(() => ({
    events: [{ type: "fleet.restored", by, snapshot, anchor: head, evidence }],
  }));
}

/** What it was given last; null when it has not said anything about a mission. */
async function missionOf(
  driver: Driver,
  handle: InstanceHandle,
  signal: AbortSignal,
): Promise<string | null> {
  const events = await driver.pullOutbox(handle, 0, signal);
  return events.findLast(({ mission_id: missionId }) => missionId !== null)?.mission_id ?? null;
}

/** Its epoch is seen and its body will be ended before anything is recorded. */
function gone(handle: InstanceHandle): FoundInstance {
  return { handle, state: "dead", missionId: null, remembered: null, orphan: true };
}
