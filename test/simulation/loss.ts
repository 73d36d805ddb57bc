/** The record's disk is lost under a living fleet, and people rebuild the record from what is known and lives. */

import { operator } from "../../src/core/model/actor.ts";
import { FactoryError } from "../../src/core/model/error.ts";
import { MINUTE_MS } from "../../src/core/model/time.ts";
import { silentLog } from "../../src/ports/log.ts";
import { JOURNAL_PATH } from "../../src/reconciler/record/published-files.ts";
import { restoreRecord, surveyRecord } from "../../src/reconciler/record/restore.ts";
import { takeRightToAct } from "../../src/reconciler/record/right-to-act.ts";
import { lanesOnBranch } from "../support/lanes-on-branch.ts";
import type { PublishedLane } from "./check/fact.ts";
import type { Host } from "./host.ts";
import { createLife, type Life } from "./life.ts";
import { simulatedWorkspaces, troubledStatusBranch, watchedStore } from "./ports.ts";
import { loseFile } from "./switches.ts";
import type { World } from "./world.ts";

/** People come this late to what no controller begins on. */
const NOTICED_MS_MAX = 20 * MINUTE_MS;
const AGAIN_MS_MIN = 10_000;
const AGAIN_MS_MAX = 2 * MINUTE_MS;
/** An attempt that is cut off: its machine goes down, or somebody loses patience. */
const CUT_OFF_CHANCE = 0.2;

/** Only what was published can be rebuilt; before that a loss is a beginning. */
export function loseRecord(world: World, host: Host): void {
  if (world.recordLost || !world.statusBranch.files.has(JOURNAL_PATH)) return;
  world.story.tell("disk: the record is lost");
  world.recordLost = true;
  replaceStore(world);
  world.kept.clear();
  world.tell({ type: "lost" });
  host.crash();
  if (world.dice.fork(`switch file ${world.timeline.elapsedMs}`).chance(0.5)) loseFile(world);
  world.timeline.after(world.dice.between(MINUTE_MS, NOTICED_MS_MAX), () => restoreLost(world, host));
}

/** Until it has succeeded. Nobody waits for it. */
export function restoreLost(world: World, host: Host): void {
  if (!world.recordLost || world.restoring) return;
  const dice = world.dice.fork(`restore ${world.timeline.elapsedMs}`);
  world.restoring = true;
  world.story.tell("people: rebuild the record");
  host.crash();
  let ended = false;
  const over = (): void => {
    if (ended) return;
    ended = true;
    own.kill();
    world.restoring = false;
    if (world.recordLost)
      world.timeline.after(dice.between(AGAIN_MS_MIN, AGAIN_MS_MAX), () => restoreLost(world, host));
    else void host.boot();
  };
  const own = createLife(over);
  world.holder = own;
  const cutOff = dice.chance(CUT_OFF_CHANCE) && world.calmSinceMs > world.timeline.elapsedMs;
  if (cutOff) world.timeline.after(dice.between(1, 2_000), () => own.kill());
  const done = (said: string): void => {
    world.recordLost = false;
    world.tell({ type: "rebuilt" });
    world.story.tell(`people: the record is rebuilt: ${said}`);
    over();
  };
  rebuild(world, { host, own }).then(
    (lanes) => done(`${lanes} clones`),
    async (error: unknown) => {
      // The last answer alone was lost: whoever looks again finds a record that is whole.
      if (await isWhole(world)) return done(`although ${String(error)}`);
      world.story.tell(`people: the record could not be rebuilt: ${String(error)}`);
      over();
    },
  );
}

async function isWhole({ store }: World): Promise<boolean> {
  const { lastSeq, fleet } = await store.load();
  return lastSeq > 0 && !fleet.record.rebuilding;
}

/** The steps of `factory restore`, on a new disk. */
async function rebuild(world: World, { host, own }: { host: Host; own: Life }): Promise<number> {
  const { signal } = new AbortController();
  const clock = host.clockOf(own);
  const disk = replaceStore(world);
  // What an attempt that was cut off had recorded is lost as well.
  world.tell({ type: "lost" });
  const { files, commit } = await own.seen(troubledStatusBranch(world)).read(signal);
  const survey = await surveyRecord({
    files,
    commit: commit ?? "",
    drivers: [{ ...own.seen(world.machine.driverFor(own)), workspaces: simulatedWorkspaces(world) }],
    keyKept: true,
    clock,
    signal,
  });
  const { lanes, problems, anchor } = survey.rebuild;
  if (problems.length > 0 || anchor === null)
    throw new FactoryError("record/unreadable", "stall", problems[0] ?? "no head of a journal");
  world.tell({ type: "rebuilding", published: publishedIn(files) });
  const store = own.seen(watchedStore(world, disk));
  const lease = own.seen(disk.lease);
  const right = await takeRightToAct({ lease, store, holder: "restore", clock, log: silentLog }, signal);
  await restoreRecord(survey, { store, clock, log: silentLog, by: operator("olga"), right, signal });
  return lanes.length;
}

/** Whoever had the old one open writes to nobody from now on. */
function replaceStore(world: World): World["store"] {
  world.store.reopen();
  world.store = world.newStore();
  world.recorded = 0;
  return world.store;
}

/** Read without the program's own reader. */
function publishedIn(files: ReadonlyMap<string, string>): readonly PublishedLane[] {
  return lanesOnBranch(files).map(({ clone, state, closed }) => ({
    clone,
    epoch: state.epoch,
    missionId: state.mission?.missionId ?? null,
    closed: closed.map(({ missionId }) => missionId),
  }));
}
