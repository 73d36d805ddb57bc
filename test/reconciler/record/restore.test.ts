import { describe, expect, test } from "vitest";
import { ABOUT } from "../../../src/about.ts";
import { operator } from "../../../src/core/model/actor.ts";
import { FactoryError } from "../../../src/core/model/error.ts";
import { anchorText } from "../../../src/core/record/anchor.ts";
import { planRebuild } from "../../../src/core/record/rebuild.ts";
import type { SteadyClock } from "../../../src/ports/clock.ts";
import { silentLog } from "../../../src/ports/log.ts";
import type { ControllerParts } from "../../../src/reconciler/assembly/parts.ts";
import { createController } from "../../../src/reconciler/controller.ts";
import { restoreRecord, type Survey } from "../../../src/reconciler/record/restore.ts";
import { takeRightToAct } from "../../../src/reconciler/record/right-to-act.ts";
import { Life, T0 } from "../../support/fleet.ts";
import { createMemoryStore, type MemoryStore } from "../../support/memory-store/store.ts";
import { recordFilesOf } from "../../support/published.ts";

const clock = { now: () => T0, monotonic: () => T0 } as SteadyClock;
const anchor = { installation: "i", repository: "r", seq: 9, hash: "a".repeat(64), first: "b".repeat(64) };
const survey: Survey = {
  orphans: [],
  rebuild: planRebuild({
    files: { ...recordFilesOf([new Life().running().state]), journal: anchorText(anchor) },
    instances: [],
    workspaces: new Set(),
    keyKept: true,
    commit: "c".repeat(40),
    now: T0,
  }),
};

/** As long as its disk takes so many commits. */
function failingAfter(store: MemoryStore, commits: number): MemoryStore {
  let left = commits;
  return {
    ...store,
    async commit(batch) {
      left -= 1;
      if (left < 0) throw new FactoryError("store/io", "retry", "the disk is full");
      return store.commit(batch);
    },
  };
}

async function restore(store: MemoryStore): Promise<void> {
  const { signal } = new AbortController();
  const { lease } = store;
  const right = await takeRightToAct({ lease, store, holder: "restore", clock, log: silentLog }, signal);
  return restoreRecord(survey, {
    store,
    by: operator("ann"),
    clock,
    log: silentLog,
    right,
    signal,
  });
}

async function start(store: MemoryStore): Promise<unknown> {
  return createController({
    program: ABOUT,
    store,
    lease: store.lease,
    holder: "next",
    clock,
    log: silentLog,
  } as unknown as ControllerParts);
}

describe("a rebuilding", () => {
  test.each([1, 2])(
    "that is cut off after %i commits leaves a record on which no controller starts",
    async (commits) => {
      const store = createMemoryStore();
      await expect(restore(failingAfter(store, commits))).rejects.toMatchObject({ code: "store/io" });
      await expect(start(store)).rejects.toMatchObject({ code: "record/half-rebuilt" });
    },
  );

  test("that is done leaves nothing of that", async () => {
    const store = createMemoryStore();
    await restore(store);
    const { settings, states, fleet } = await store.load();
    expect(states.map(({ name }) => name)).toEqual(["scribe"]);
    const { seq, hash } = anchor;
    expect(fleet.record).toEqual({ rebuilding: false, replaces: { seq, hash } });
    expect(settings).toEqual({});
    const events = await store.events({ clone: null, limit: 10 });
    expect(events.map(({ event }) => event)).toMatchObject([
      { type: "record.rebuilding", by: operator("ann") },
      { type: "fleet.restored", by: operator("ann"), anchor: { seq, hash } },
    ]);
  });
});
