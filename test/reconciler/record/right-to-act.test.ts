/** Two controllers on one record: the one with the higher term acts, and the other one stops. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { ABOUT } from "../../../src/about.ts";
import { openSqliteStore } from "../../../src/adapters/store/sqlite/store.ts";
import { FactoryError } from "../../../src/core/model/error.ts";
import type { CloneEvent } from "../../../src/core/model/event.ts";
import type { InstanceHandle, Signal } from "../../../src/core/model/instance.ts";
import type { Driver } from "../../../src/ports/driver.ts";
import type { Lease, LeaseGrant } from "../../../src/ports/lease.ts";
import { silentLog } from "../../../src/ports/log.ts";
import { type Controller, createController } from "../../../src/reconciler/controller.ts";
import { startLoop } from "../../../src/reconciler/loop/loop.ts";
import { openRecorder, recordEvents } from "../../../src/reconciler/record/recorder.ts";
import { type RightToAct, takeRightToAct } from "../../../src/reconciler/record/right-to-act.ts";
import type { LeasedStore } from "../../contract/store.ts";
import { createFakeDrills } from "../../support/fake/drills.ts";
import {
  createFakeInCoreLane,
  createFakeProposals,
  createFakeSource,
  createFakeStatusBranch,
} from "../../support/fake/index.ts";
import { createFakeKillSwitchFile } from "../../support/fake/kill-switch.ts";
import { createFakeTraces } from "../../support/fake/traces.ts";
import { aClone, aMission, REVISION, T0 } from "../../support/fleet.ts";
import { createMemoryStore, type MemoryStore } from "../../support/memory-store/store.ts";
import { OLGA } from "../../support/operator.ts";
import { batchOf, event, stateOf } from "../../support/record.ts";
import { rightToAct } from "../../support/right.ts";
import { until } from "../../support/until.ts";

const never = new AbortController().signal;
let now = T0;
const clock = {
  now: () => now++,
  monotonic: () => now,
  sleep: async () => new Promise<void>((resolve) => setImmediate(resolve)),
};
const declared: CloneEvent = { type: "clone.declared", spec: aClone("scribe") };
const assigned: CloneEvent = { type: "mission.assigned", mission: aMission("audit", "scribe") };
const started: CloneEvent = { type: "start.planned", revision: REVISION, why: "" };

const rightOf = (store: LeasedStore, holder: string) =>
  takeRightToAct({ lease: store.lease, store, holder, clock, log: silentLog }, never);

describe.each([
  {
    name: "in memory",
    open: async () => {
      const store = createMemoryStore();
      return { first: store, second: store.share(), close: async () => {} };
    },
  },
  {
    name: "in a sqlite file",
    open: async () => {
      const directory = await mkdtemp(join(tmpdir(), "factory-takeover-"));
      const store = await openSqliteStore({ file: join(directory, "record.db") });
      const close = async () => {
        await store.close();
        await rm(directory, { recursive: true });
      };
      return { first: store, second: store, close };
    },
  },
])("two holders of one record $name", ({ open }) => {
  let place: { readonly first: LeasedStore; readonly second: LeasedStore; close(): Promise<void> };
  afterEach(() => place.close());

  test("the older one writes nothing more, tells no effect, and says why", async () => {
    place = await open();
    const old = await rightOf(place.first, "ann");
    let told = 0;
    old.onLost(() => told++);
    const first = await openRecorder({ store: place.first, clock, log: silentLog, right: old });
    await recordEvents(first, "scribe", declared, assigned);
    const effects: string[] = [];
    first.onEffects((more) => effects.push(...more.map(({ id }) => id)));

    const young = await rightOf(place.second, "ben");
    const second = await openRecorder({ store: place.second, clock, log: silentLog, right: young });
    const lost = { code: "lease/lost", disposition: "yield", message: expect.stringContaining("by ben") };
    await expect(recordEvents(first, "scribe", started)).rejects.toMatchObject(lost);
    expect(old.lost()).toMatchObject(lost);
    expect(told).toBe(1);
    await expect(first.putSettings({ status_pushes: "[]" })).rejects.toMatchObject(lost);
    await expect(first.writeOutbox({ put: [], removed: ["x"] })).rejects.toMatchObject(lost);
    const heartbeat = { clone: "scribe", epoch: 1, seq: 1 } as Signal["heartbeat"];
    await expect(first.putSignal({ receivedAt: T0, heartbeat })).rejects.toMatchObject(lost);
    expect(first.signals.size).toBe(0);
    // It is not the disk that is in trouble.
    expect(first.problem()).toBeNull();
    expect(effects).toEqual([]);
    expect(told).toBe(1);

    expect((await recordEvents(second, "scribe", started)).after.phase).toBe("Preparing");
    expect(young.lost()).toBeNull();
    expect(await place.second.verify()).toMatchObject({ ok: true, events: 3 });
  });

  test("one that writes nothing hears of it from the lease", async () => {
    place = await open();
    const old = await rightOf(place.first, "ann");
    await rightOf(place.second, "ben");
    await old.keep(never);
    expect(old.lost()).toBeNull();
    now += 10_000;
    await old.keep(never);
    expect(old.lost()).toMatchObject({ code: "lease/lost" });
  });
});

test("what an older holder writes while a newer one reads is refused", async () => {
  const store = createMemoryStore();
  // A lease that lies elsewhere: the store has not heard of the term.
  const reading = store.share();
  const loading: Promise<unknown>[] = [];
  const watched = {
    ...reading,
    async load() {
      loading.push(
        store
          .commit({ ...batchOf({ events: [event("alpha")], states: [stateOf("alpha", 1)] }), term: 1 })
          .catch((error: unknown) => error),
      );
      return reading.load();
    },
  };
  await openRecorder({ store: watched, clock, log: silentLog, right: rightToAct(2) });
  expect(await loading[0]).toMatchObject({ code: "store/fenced" });
});

describe("a lease that runs out", () => {
  const FOR_MS = 30_000;
  let trouble: FactoryError | null = null;
  let renewals: number[] = [];
  const lease: Lease = {
    acquire: async ({ holder, above }) => ({ term: above + 1, holder, forMs: FOR_MS }),
    async renew(grant: LeaseGrant) {
      renewals.push(now);
      if (trouble !== null) throw trouble;
      return grant;
    },
    release: async () => {},
  };

  async function take(): Promise<RightToAct> {
    trouble = null;
    renewals = [];
    const store = { term: async () => 4 };
    return takeRightToAct({ lease, store, holder: "ann", clock, log: silentLog }, never);
  }

  async function pass(right: RightToAct, ms: number): Promise<void> {
    for (const end = now + ms; now < end; now += 500) await right.keep(never);
  }

  test("is prolonged long before it ends, and its term stays", async () => {
    const right = await take();
    expect(right.term).toBe(5);
    await pass(right, 5 * FOR_MS);
    expect(right.lost()).toBeNull();
    expect(renewals.length).toBeGreaterThanOrEqual(14);
    expect(renewals.length).toBeLessThanOrEqual(15);
  });

  test("is over at its end when nobody answers, also for one who does not ask", async () => {
    const right = await take();
    trouble = new FactoryError("lease/unreachable", "retry", "no answer");
    await pass(right, FOR_MS - 1_000);
    expect(right.lost()).toBeNull();
    // Asked again and again, and not with every call.
    expect(renewals.length).toBeGreaterThan(5);
    expect(renewals.length).toBeLessThanOrEqual(20);
    now += 1_000;
    expect(right.lost()).toMatchObject({ code: "lease/lost", message: expect.stringContaining("ran out") });
    trouble = null;
    await pass(right, FOR_MS);
    expect(right.lost()).not.toBeNull();
  });
});

describe("a controller whose record is taken over", () => {
  let store: MemoryStore;
  let reached: string[] = [];
  const handle = { driver: "fake", clone: "scribe", epoch: 1, nonce: "n" } as InstanceHandle;

  /** Answers nothing until it is let, so that effects are under way and wait. */
  function driverOf(open: Promise<void>): Driver {
    const call = (what: string) => async (): Promise<never> => {
      reached.push(what);
      await open;
      throw new FactoryError("driver/unreachable", "retry", "nobody answers");
    };
    return {
      name: "fake",
      capabilities: async () => ({ containment: "group", freezesAll: false, notes: [] }),
      list: async () => ({ complete: true, instances: [{ handle, state: "live" }] }),
      ...Object.fromEntries(
        ["start", "configure", "stop", "pullOutbox", "dispatch", "fence"].map((what) => [what, call(what)]),
      ),
    } as unknown as Driver;
  }

  async function controllerOn(on: MemoryStore, driver: Driver): Promise<Controller> {
    const controller = await createController({
      program: ABOUT,
      store: on,
      lease: on.lease,
      holder: "one of two",
      source: createFakeSource(),
      statusBranch: createFakeStatusBranch(),
      drivers: new Map([["fake", driver]]),
      secrets: { resolve: async () => ({ values: new Map(), missing: [] }) },
      inCore: createFakeInCoreLane(),
      proposals: createFakeProposals(),
      killSwitch: createFakeKillSwitchFile(),
      drills: createFakeDrills(),
      traces: createFakeTraces(),
      judge: { judge: () => Promise.reject(new Error("nothing to judge")), readKept: async () => null },
      notifiers: () => ({ deliver: async () => ({ type: "delivered" }) }),
      clock,
      log: silentLog,
      installation: "test",
      repository: "test",
      key: new Uint8Array(32),
      operatorToken: "operator",
    });
    controller.listenAt({ socket: "unix:/run/a.sock", network: "https://127.0.0.1:2/v1/events" });
    controller.resume();
    return controller;
  }

  test("carries out nothing more of what waits, accepts nothing, and ends with a sentence", async () => {
    store = createMemoryStore();
    reached = [];
    const seeded = await openRecorder({ store, clock, log: silentLog, right: rightToAct() });
    await recordEvents(seeded, "scribe", declared, assigned, started, {
      type: "prepare.finished",
      gates: [],
    });
    let answer = (): void => {};
    const open = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const first = await controllerOn(store, driverOf(open));
    await until(() => reached.length > 0, "an effect that is under way");
    const before = [...reached];

    const second = await controllerOn(store.share(), driverOf(new Promise(() => {})));
    const asked = { name: "scribe", reason: "" };
    await expect(first.controlPlane.operations.pause(asked, OLGA)).rejects.toMatchObject({
      code: "lease/lost",
    });
    expect(first.mustEnd()).toMatchObject({
      code: "lease/lost",
      message: expect.stringContaining("another one acts on the record"),
    });
    reached = [];
    answer();
    await first.settled();
    await first.poll(never);
    await first.reconcile(never);
    expect(await first.supervise(() => 0)).toBe(false);
    expect(await first.publish(never)).toBe("waiting");
    expect(reached).toEqual([]);
    expect(before.length).toBeGreaterThan(0);

    const loop = startLoop(
      first,
      { clock, random: { nonce: () => "", fraction: () => 0.5 }, log: silentLog },
      { pollMs: 1_000, untilClosed: false, once: false },
    );
    await expect(loop.done).rejects.toMatchObject({ code: "lease/lost" });
    await first.close();
    expect(await second.controlPlane.operations.pause(asked, OLGA)).toMatchObject({ ok: true });
    expect(second.mustEnd()).toBeNull();
  });
});
