/** Rebuilds a record that was lost, on a store in which nothing stands yet. */
import type { Actor } from "../../core/model/actor.ts";
import { FactoryError } from "../../core/model/error.ts";
import type { DeathProof, InstanceHandle } from "../../core/model/instance.ts";
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
  /** Who lives without anything by which it could be adopted, each with the way to end it. */
  readonly orphans: readonly Orphan[];
}

export interface Orphan {
  readonly handle: InstanceHandle;
  end(signal: AbortSignal): Promise<DeathProof | undefined>;
}

/** Nobody is left who could be asked to end in order. */
const LADDER = { enter: "now", stdinGraceMs: 0, termGraceMs: 0, sweepMs: 10_000 } as const;

/**
 * Looks at everything and changes nothing. Rejects `driver/listing` when a driver cannot
 * say what lives: somebody whom we do not see would be doubled.
 */
export async function surveyRecord(parts: {
  /** Everything on the status branch, by path. */
  readonly files: ReadonlyMap<string, string>;
  readonly commit: string;
  readonly drivers: readonly Driver[];
  /** Of the data directory of the installation that is taken over, where that is another one on this machine. */
  readonly former?: readonly Driver[];
  readonly keyKept: boolean;
  /** As for `planRebuild`. */
  readonly epochFloor?: number;
  readonly unproven?: string | null;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}): Promise<Survey> {
  const { signal } = parts;
  const instances: FoundInstance[] = [];
  const orphans: Orphan[] = [];
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
    orphans.push(...(await orphansOf(driver, signal)));
  }
  for (const driver of parts.former ?? []) {
    const found = await formerInstances(driver, signal);
    instances.push(...found.instances);
    orphans.push(...found.orphans);
  }
  const files = recordFiles(parts.files);
  const names = [...instances.map(({ handle }) => handle.clone), ...clonesIn(files)];
  return {
    orphans,
    rebuild: planRebuild({
      files,
      instances: [
        ...instances,
        ...orphans.filter(({ handle }) => !isAmong(instances, handle)).map(({ handle }) => gone(handle)),
      ],
      workspaces: await workspacesOf(names, parts.drivers, signal),
      keyKept: parts.keyKept,
      epochFloor: parts.epochFloor ?? 0,
      unproven: parts.unproven ?? null,
      commit: parts.commit,
      now: parts.clock.now(),
    }),
  };
}

async function orphansOf(driver: Driver, signal: AbortSignal): Promise<readonly Orphan[]> {
  const { orphans } = driver;
  if (orphans === undefined) return [];
  return (await orphans.find(signal)).map((handle) => ({
    handle,
    end: (ending) => orphans.end(handle, ending),
  }));
}

/** What another installation of this machine started: none of it can be adopted, and what its agents did counts. */
async function formerInstances(
  driver: Driver,
  signal: AbortSignal,
): Promise<{ readonly instances: readonly FoundInstance[]; readonly orphans: readonly Orphan[] }> {
  const listing = await driver.list(signal);
  if (!listing.complete)
    throw new FactoryError("driver/listing", "retry", listing.problem ?? "the listing is not complete");
  const instances: FoundInstance[] = [];
  for (const seen of listing.instances)
    instances.push({
      ...seen,
      state: "dead",
      missionId: await missionOf(driver, seen.handle, signal),
      remembered: await driver.remembered(seen.handle, signal),
      orphan: true,
    });
  const living = listing.instances
    .filter(({ state }) => state !== "dead")
    .map(({ handle }): Orphan => ({ handle, end: (ending) => driver.stop(handle, LADDER, ending) }));
  return { instances, orphans: [...living, ...(await orphansOf(driver, signal))] };
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
    /** By what the record knows its own lease of the fleet's repository; null: none was taken. */
    readonly lease?: string | null;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { store, clock, log, right } = parts;
  for (const { handle, end } of survey.orphans) {
    const proof = await end(parts.signal);
    log.warn("an instance that nobody can take up was ended", {
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
  if (parts.lease != null) await recorder.putSettings({ fleet_lease: parts.lease });
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

function isAmong(instances: readonly FoundInstance[], { clone, epoch, nonce }: InstanceHandle): boolean {
  return instances.some(
    ({ handle }) => handle.clone === clone && handle.epoch === epoch && handle.nonce === nonce,
  );
}

/** Its epoch is seen and its body will be ended before anything is recorded. */
function gone(handle: InstanceHandle): FoundInstance {
  return { handle, state: "dead", missionId: null, remembered: null, orphan: true };
}
