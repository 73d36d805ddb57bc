/** A plan is made of what was read; what it removes is looked at once more when its turn to be written has come. */
import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import type { DesiredState } from "../../../src/core/model/desired.ts";
import { silentLog } from "../../../src/ports/log.ts";
import type { Snapshot, SourceResult } from "../../../src/ports/source.ts";
import { createReconciler } from "../../../src/reconciler/loop/reconcile.ts";
import { openRecorder, recordEvents } from "../../../src/reconciler/record/recorder.ts";
import { createRepository } from "../../../src/reconciler/source/repository.ts";
import { aClone, aDesired, aMission, T0 } from "../../support/fleet.ts";
import { createMemoryStore } from "../../support/memory-store/store.ts";
import { rightToAct } from "../../support/right.ts";

type Parts = Parameters<typeof createReconciler>[0];
type RepositoryParts = Parameters<typeof createRepository>[0];

const ALL = ["a", "b", "c", "d", "e"];
const signal = new AbortController().signal;
const clock = { now: () => T0, sleep: async () => {} };
/** Commits by name: `1` is forty times a one. */
const commit = (digit: number) => String(digit).repeat(40);
const DOWN: SourceResult = { type: "error", reason: "Unreachable", message: "down", lastGood: commit(1) };

function read(revision: string): SourceResult {
  return { type: "ok", snapshot: { revision } as Snapshot, changed: true };
}

function wanted(digit: number, missions: readonly string[], confirmed: number | null = null): DesiredState {
  return aDesired({
    revision: commit(digit),
    clones: ALL.map((name) => aClone(name)),
    missions: missions.map((name) => aMission(`m-${name}`, name)),
    confirmDeletion: confirmed === null ? null : commit(confirmed),
  });
}

/** Five clones with a mission each, on a real record in memory, and a repository of these commits. */
async function fleet(commits: readonly DesiredState[]) {
  const store = createMemoryStore();
  let busy = false;
  let gate: Promise<void> | null = null;
  let reached = () => {};
  let writes = 0;
  const recorder = await openRecorder({
    store: {
      ...store,
      commit: async (batch) => {
        if (busy) {
          keepBusy();
          // A commit is under way whenever something is planned, whatever the pass waits for before.
          await setImmediate();
        }
        const done = await store.commit(batch);
        if (gate !== null) {
          reached();
          await gate;
        }
        return done;
      },
    },
    clock,
    log: silentLog,
    right: rightToAct(),
  });
  function keepBusy(): void {
    busy = true;
    void recorder.putSettings({ status_pushes: String(writes++) });
  }
  for (const name of ALL)
    await recordEvents(
      recorder,
      name,
      { type: "clone.declared", spec: aClone(name) },
      { type: "mission.assigned", mission: aMission(`m-${name}`, name) },
    );
  let now: SourceResult = DOWN;
  let onPlanned = () => {};
  const repository = createRepository({
    source: { observe: async () => now } as unknown as RepositoryParts["source"],
    revisions: {
      take: async ({ revision }) => commits.find((desired) => desired.revision === revision) ?? aDesired(),
    } as Partial<RepositoryParts["revisions"]> as RepositoryParts["revisions"],
    clock,
    log: silentLog,
  });
  const reconciler = createReconciler({
    repository,
    drivers: new Map(),
    recorder,
    rollback: { look: async () => {}, pin: () => null } as unknown as Parts["rollback"],
    rollouts: { known: () => null } as unknown as Parts["rollouts"],
    clock: clock as unknown as Parts["clock"],
    log: { ...silentLog, info: (message) => message === "planned" && onPlanned() },
    doubt: () => null,
    killSwitch: () => [],
  });

  async function passOf(result: SourceResult): Promise<void> {
    now = result;
    await repository.poll(signal);
    await reconciler.reconcile(signal);
  }

  /** Of writes that keep the record busy the one at the moment of the plan takes until `meanwhile` was read. */
  async function busyPassOf(result: SourceResult, meanwhile: SourceResult): Promise<void> {
    const waiting = new Promise<void>((resolve) => {
      reached = resolve;
    });
    let open = () => {};
    onPlanned = () => {
      onPlanned = () => {};
      gate = new Promise((resolve) => {
        open = resolve;
      });
    };
    now = result;
    await repository.poll(signal);
    keepBusy();
    const passing = reconciler.reconcile(signal);
    await waiting;
    now = meanwhile;
    await repository.poll(signal);
    busy = false;
    gate = null;
    open();
    // As the loop does: what was not right any more is planned anew.
    if (!(await passing)) await reconciler.reconcile(signal);
  }

  const over = () => ALL.filter((name) => recorder.states.get(name)?.mission?.name !== `m-${name}`);
  return { passOf, busyPassOf, over };
}

test.each([
  ["nothing happens", read(commit(2)), ["e"]],
  ["the origin goes away", DOWN, []],
  ["a newer commit has it again", read(commit(3)), []],
  ["a newer commit has it neither", read(commit(4)), ["e"]],
] as const)("a removal waits for the record, and %s", async (_, meanwhile, over) => {
  const four = ALL.slice(0, 4);
  const world = await fleet([wanted(1, ALL), wanted(2, four), wanted(3, ALL), wanted(4, four)]);
  await world.passOf(read(commit(1)));
  await world.busyPassOf(read(commit(2)), meanwhile);
  expect(world.over()).toEqual(over);
});

test.each([
  ["the origin goes away for a while", DOWN],
  ["another commit comes", read(commit(4))],
] as const)("what people confirmed is not asked for again when %s meanwhile", async (_, meanwhile) => {
  const three = ALL.slice(0, 3);
  const world = await fleet([wanted(1, ALL), wanted(2, three), wanted(3, three, 2), wanted(4, three, 2)]);
  await world.passOf(read(commit(1)));
  await world.passOf(read(commit(2)));
  expect(world.over()).toEqual([]);
  await world.busyPassOf(read(commit(3)), meanwhile);
  await world.passOf(read(commit(4)));
  expect(world.over()).toEqual(["d", "e"]);
});
