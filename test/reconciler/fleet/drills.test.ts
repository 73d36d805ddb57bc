import { beforeEach, describe, expect, it } from "vitest";
import { DEFAULT_FLEET_POLICY, type DesiredState } from "../../../src/core/model/desired.ts";
import type { DrillPlan } from "../../../src/core/model/drill.ts";
import type { SwitchEntry } from "../../../src/core/model/kill-switch.ts";
import { HOUR_MS, MINUTE_MS } from "../../../src/core/model/time.ts";
import { silentLog } from "../../../src/ports/log.ts";
import { createPlannedDrills, type PlannedDrills } from "../../../src/reconciler/fleet/drills.ts";
import { openRecorder, type Recorder } from "../../../src/reconciler/record/recorder.ts";
import { aDestination } from "../../core/notify/notices.ts";
import { createFakeDrills, type FakeDrills } from "../../support/fake/drills.ts";
import { aClone } from "../../support/fleet.ts";
import { createMemoryStore, type MemoryStore } from "../../support/memory-store/store.ts";
import { rightToAct } from "../../support/right.ts";

const EVERY_HOUR: DrillPlan = { schedule: "0 * * * *", timezone: "UTC", targets: "all" };
const DESTINATIONS = [aDestination("pager")];
let now: number;
let store: MemoryStore;
let recorder: Recorder;
let drills: FakeDrills;
let planned: PlannedDrills;
let desired: DesiredState | null;
let engaged: readonly SwitchEntry[];
let failing: string;
/** No drill can be made at all. */
let broken: boolean;
/** Drills that were begun and do not end, until this is called. */
let hanging: (() => void)[] | null;

const clock = { now: () => now, sleep: async () => {} };

async function boot(): Promise<void> {
  recorder = await openRecorder({ store, clock, log: silentLog, right: rightToAct() });
  planned = watching(() => {});
}

/** `onLook`: whether anything may be recorded is asked with every look through the book. */
function watching(onLook: () => void): PlannedDrills {
  return createPlannedDrills({
    recorder,
    drills,
    desired: () => desired,
    destinations: () => DESTINATIONS,
    killSwitch: () => engaged,
    clock,
    log: silentLog,
    onChange: () => {},
    mayRecord() {
      onLook();
      return true;
    },
  });
}

beforeEach(async () => {
  now = Date.parse("2026-01-10T12:30:00Z");
  store = createMemoryStore();
  engaged = [];
  failing = "";
  broken = false;
  hanging = null;
  const made = createFakeDrills(
    () => now,
    ({ target }) => {
      if (broken) throw new Error("no room for its folder");
      return target === failing;
    },
  );
  drills = {
    ...made,
    async run(request, signal) {
      if (hanging !== null) await new Promise<void>((resolve) => hanging?.push(resolve));
      return made.run(request, signal);
    },
  };
  desired = wanting(EVERY_HOUR);
  await boot();
});

function wanting(kill: DrillPlan | null, broken: readonly string[] = []): DesiredState {
  const clones = new Map(["alpha", "beta"].map((name) => [name, aClone(name)]));
  return {
    revision: "1".repeat(40),
    fleet: { ...DEFAULT_FLEET_POLICY, drills: { kill } },
    clones,
    missions: new Map(),
    broken: new Set(broken),
    stops: new Map(),
    postmortems: new Map(),
    issues: [],
    confirmDeletion: null,
  };
}

/** Ticks until nothing more comes of it. */
async function tend(): Promise<void> {
  for (let turn = 0; turn < 12; turn++) {
    planned.tick();
    await recorder.idle();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function pass(ms: number): Promise<void> {
  await tend();
  for (const end = now + ms; now < end; ) {
    now += MINUTE_MS;
    await tend();
  }
}

const told = (): readonly string[] => [...recorder.outbox.values()].map(({ notice }) => notice.subject);

it("makes each drill once when its time has come, one after the other, and remembers that over a crash", async () => {
  await pass(29 * MINUTE_MS);
  expect(drills.asked).toEqual([]);
  await pass(2 * MINUTE_MS);
  expect(drills.asked.map(({ target }) => target)).toEqual(["alpha", "beta"]);
  expect(planned.book().results).toMatchObject([{ target: "alpha", passed: true }, { target: "beta" }]);
  store = store.reopen();
  await boot();
  await pass(5 * MINUTE_MS);
  expect(drills.asked).toHaveLength(2);
  await pass(HOUR_MS);
  expect(drills.asked).toHaveLength(4);
  expect(told()).toEqual([]);
});

it("between two rounds the book is not gone through again, and a clock that was put back changes nothing", async () => {
  await pass(31 * MINUTE_MS);
  expect(drills.asked).toHaveLength(2);
  let looks = 0;
  planned = watching(() => {
    looks += 1;
  });
  await pass(20 * MINUTE_MS);
  const before = looks;
  now -= 40 * MINUTE_MS;
  await pass(30 * MINUTE_MS);
  expect([before, looks], "once, when it was new").toEqual([1, 1]);
  expect(drills.asked).toHaveLength(2);
  await pass(HOUR_MS);
  expect(drills.asked).toHaveLength(4);
});

it("what fell due while nobody was there is one drill", async () => {
  await tend();
  now += 10 * HOUR_MS;
  store = store.reopen();
  await boot();
  await pass(3 * MINUTE_MS);
  expect(drills.asked.map(({ target }) => target)).toEqual(["alpha", "beta"]);
});

it("one that could not be made is tried again after a minute, not with every tick", async () => {
  await pass(29 * MINUTE_MS);
  broken = true;
  const before = now;
  for (; now < before + 5 * MINUTE_MS; now += 1_000) await tend();
  expect(drills.asked.length).toBeGreaterThanOrEqual(3);
  expect(drills.asked.length).toBeLessThanOrEqual(5);
  broken = false;
  await pass(3 * MINUTE_MS);
  expect(planned.book().results).toMatchObject([{ target: "alpha", passed: true }, { target: "beta" }]);
});

it("a clock that was put back makes no old drill a new one", async () => {
  const made = (at: number, target: string) =>
    drills.add({
      at: new Date(at).toISOString(),
      target,
      enter: "term",
      passed: true,
      deathMs: 1,
      containment: "group",
      rung: "term",
      evidence: "",
    });
  desired = wanting(null);
  for (let n = 0; n < 30; n++) made(now + n * MINUTE_MS, "alpha");
  now -= 2 * HOUR_MS;
  for (let n = 0; n < 40; n++) made(now + n * MINUTE_MS, "beta");
  await tend();
  for (let n = 40; n < 60; n++) {
    made(now + n * MINUTE_MS, "beta");
    await tend();
  }
  const { results } = planned.book();
  expect(results).toHaveLength(50);
  expect(results.map(({ target }) => target)).toEqual(Array.from({ length: 50 }, () => "beta"));
});

it("a failed one is told, once, and also when somebody else made it", async () => {
  failing = "beta";
  await pass(35 * MINUTE_MS);
  expect(told()).toEqual(["beta: drill_failed"]);
  drills.add({
    at: "2026-01-10T13:10:00.000Z",
    target: "gamma",
    enter: "now",
    passed: false,
    deathMs: null,
    containment: null,
    rung: null,
    evidence: "it still lives",
  });
  await tend();
  await pass(5 * MINUTE_MS);
  expect(told()).toEqual(["beta: drill_failed", "gamma: drill_failed"]);
});

it("while the switch is engaged for the fleet nothing is launched, and people are told that the drill is overdue", async () => {
  await tend();
  engaged = [{ scope: { type: "fleet" }, by: "operator:ann", reason: "", at: "now" }];
  await pass(2 * HOUR_MS);
  expect(drills.asked).toEqual([]);
  expect(told()).toEqual(["alpha: drill_overdue", "beta: drill_overdue"]);
  expect(planned.book().overdue[0]?.reason).toContain("kill switch is engaged");
  engaged = [];
  await pass(2 * MINUTE_MS);
  expect(drills.asked.map(({ target }) => target)).toEqual(["alpha", "beta"]);
  expect(planned.book().overdue).toEqual([]);
});

it("a file that cannot be read begins none and forgets none; without a plan there is none", async () => {
  await tend();
  const before = planned.book().plan;
  desired = wanting(null, ["fleet"]);
  await pass(HOUR_MS);
  expect(drills.asked).toEqual([]);
  expect(planned.book().plan).toEqual(before);
  desired = wanting(null);
  await pass(HOUR_MS);
  expect(planned.book()).toEqual({ plan: null, results: [], overdue: [] });
});

describe("a drill is on record before anything is launched", () => {
  /** Begins the drill of 13:00 on alpha, which then hangs. */
  async function beginOne(): Promise<void> {
    hanging = [];
    await pass(30 * MINUTE_MS);
    expect(hanging).toHaveLength(1);
    expect(planned.book().begun).toMatchObject({
      target: "alpha",
      dueAt: Date.parse("2026-01-10T13:00:00Z"),
    });
  }

  async function types(): Promise<readonly string[]> {
    return (await store.events({ afterSeq: 0, limit: 100 })).map(({ event }) => event.type);
  }

  it("so that a second controller waits for what becomes of it, and makes it no second time", async () => {
    await beginOne();
    const [first] = hanging ?? [];
    hanging = null;
    store = store.share();
    await boot();
    await pass(3 * MINUTE_MS);
    expect(drills.asked, "the first controller's is under way").toEqual([]);
    first?.();
    await pass(2 * MINUTE_MS);
    expect(drills.asked.map(({ target }) => target)).toEqual(["alpha", "beta"]);
    expect(planned.book()).not.toHaveProperty("begun");
  });

  it("so that one that a crash cut off is known, and is made again", async () => {
    await beginOne();
    hanging = null;
    store = store.reopen();
    await boot();
    await pass(4 * MINUTE_MS);
    expect(drills.asked).toEqual([]);
    await pass(3 * MINUTE_MS);
    expect((await types()).slice(0, 5)).toEqual([
      "drill.planned",
      "drill.begun",
      "drill.cut_off",
      "drill.begun",
      "drill.passed",
    ]);
    expect(drills.asked.map(({ target }) => target)).toEqual(["alpha", "beta"]);
  });

  it("so that none is launched while nothing can be recorded", async () => {
    await pass(29 * MINUTE_MS);
    const { commit } = store;
    store.commit = async () => {
      throw new Error("the disk is full");
    };
    await pass(5 * MINUTE_MS);
    expect(drills.asked).toEqual([]);
    store.commit = commit;
    await pass(5 * MINUTE_MS);
    expect(drills.asked.map(({ target }) => target)).toEqual(["alpha", "beta"]);
  });

  it("and one that could not be made, or was closed off, is off the record at once", async () => {
    broken = true;
    await pass(31 * MINUTE_MS);
    expect(await types()).toContain("drill.cut_off");
    expect(planned.book()).not.toHaveProperty("begun");
  });

  it("also when its controller is closed", async () => {
    drills.run = (_request, signal) =>
      new Promise((resolve) => signal?.addEventListener("abort", () => resolve(null)));
    await pass(31 * MINUTE_MS);
    expect(planned.book()).toHaveProperty("begun");
    await planned.close();
    expect((await types()).at(-1)).toBe("drill.cut_off");
  });
});
