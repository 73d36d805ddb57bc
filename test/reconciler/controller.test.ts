import { beforeEach, describe, expect, test } from "vitest";
import { ABOUT } from "../../src/about.ts";
import { SUPERVISOR } from "../../src/core/model/actor.ts";
import type { CloneEvent } from "../../src/core/model/event.ts";
import type { InstanceCaller } from "../../src/ports/control-plane.ts";
import type { Driver, ShimSettings } from "../../src/ports/driver.ts";
import { silentLog } from "../../src/ports/log.ts";
import type { Store } from "../../src/ports/store.ts";
import { createTokens } from "../../src/reconciler/callbacks/tokens.ts";
import { type Controller, createController } from "../../src/reconciler/controller.ts";
import { openRecorder, recordEvents } from "../../src/reconciler/record/recorder.ts";
import { createFakeDrills } from "../support/fake/drills.ts";
import { createFakeInCoreLane } from "../support/fake/in-core-lane.ts";
import { createFakeKillSwitchFile } from "../support/fake/kill-switch.ts";
import { createFakeProposals } from "../support/fake/proposals.ts";
import { createFakeSource } from "../support/fake/source.ts";
import { createFakeStatusBranch } from "../support/fake/status-branch.ts";
import { createFakeTraces } from "../support/fake/traces.ts";
import { createMemoryWorkspaces } from "../support/fake-driver/workspaces.ts";
import { aClone, aMission, handleOf, REVISION, T0 } from "../support/fleet.ts";
import { createMemoryStore } from "../support/memory-store/store.ts";
import { OLGA } from "../support/operator.ts";
import { rightToAct } from "../support/right.ts";
import { until } from "../support/until.ts";

let now = T0;
const clock = {
  now: () => now++,
  monotonic: () => now,
  sleep: async () => new Promise<void>((resolve) => setImmediate(resolve)),
};
const asked = { name: "scribe", reason: "" };
const declared: CloneEvent = { type: "clone.declared", spec: aClone("scribe") };
const assigned: CloneEvent = { type: "mission.assigned", mission: aMission("audit", "scribe") };
const started: CloneEvent = { type: "start.planned", revision: REVISION, why: "" };
let store: ReturnType<typeof createMemoryStore>;
let told: ShimSettings[] = [];

/** A driver whose shims were started by the controller before this one, at an address that is gone. */
const driver: Partial<Driver> = {
  name: "fake",
  workspaces: createMemoryWorkspaces("fake"),
  async list() {
    return { complete: true, instances: [] };
  },
  async start(start) {
    return { ...handleOf(await stateIn(store)), epoch: start.epoch, nonce: start.nonce };
  },
  async configure(_handle, settings) {
    told.push(settings);
  },
};

async function stateIn(record: Store) {
  const state = (await record.load()).states.find(({ name }) => name === "scribe");
  if (state === undefined) throw new Error("there is no scribe");
  return state;
}

async function controllerWith(drivers: ReadonlyMap<string, Driver>): Promise<Controller> {
  const controller = await createController({
    program: ABOUT,
    store,
    lease: store.lease,
    holder: "test",
    source: createFakeSource(),
    statusBranch: createFakeStatusBranch(),
    drivers,
    secrets: { resolve: async () => ({ values: new Map(), missing: [] }) },
    inCore: createFakeInCoreLane(),
    proposals: createFakeProposals(),
    killSwitch: createFakeKillSwitchFile(),
    drills: createFakeDrills(),
    traces: createFakeTraces(),
    judge: {
      judge: () => Promise.reject(new Error("nothing to judge")),
      readKept: async () => null,
    },
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

beforeEach(() => {
  store = createMemoryStore();
  told = [];
});

async function recorded(...events: readonly CloneEvent[]): Promise<void> {
  const recorder = await openRecorder({ store, clock, log: silentLog, right: rightToAct() });
  await recordEvents(recorder, "scribe", ...events);
  store = store.reopen();
}

test("a shim that came up while the controller died is told where the next one listens", async () => {
  await recorded(declared, assigned, started, { type: "prepare.finished", gates: [] });
  expect(await stateIn(store)).toMatchObject({ phase: "Starting", instance: { handle: null } });
  const controller = await controllerWith(new Map([["fake", driver as Driver]]));
  await until(() => told.length > 0, "a shim that was told");
  expect(told[0]?.callbackUrl).toBe("https://127.0.0.1:2/v1/events");
  await controller.close();
});

test("a clone whose driver this controller does not have is held at a gate, and no epoch is used up", async () => {
  await recorded(declared, assigned, started);
  const controller = await controllerWith(new Map());
  await controller.settled();
  const state = await stateIn(store);
  expect(state).toMatchObject({ phase: "Idle", epoch: 0, instance: null });
  expect(state.gates).toContainEqual(
    expect.objectContaining({ type: "KillSwitchArmed", ok: false, reason: "DriverMissing" }),
  );
  await controller.close();
});

test("a machine whose disk is full holds the clone at a gate, uses up no epoch and counts no failure", async () => {
  await recorded(declared, assigned, started);
  const full = { ...driver, obstacle: async () => "no room" } as Driver;
  const controller = await controllerWith(new Map([["fake", full]]));
  await controller.settled();
  const state = await stateIn(store);
  expect(state).toMatchObject({ phase: "Idle", epoch: 0, instance: null, failures: [] });
  expect(state.gates).toContainEqual(
    expect.objectContaining({ ok: false, reason: "MachineNotReady", evidence: "no room" }),
  );
  await controller.close();
});

describe("an instance whose epoch the record has not come to", () => {
  const tokens = createTokens({ key: new Uint8Array(32), operatorToken: "operator" });
  const tokenOf = (epoch: number) => tokens.forInstance({ clone: "scribe", epoch, nonce: "later" });

  test("is not told that it is over: an older copy of the record was put in place", async () => {
    await recorded(declared, assigned);
    const { controlPlane, close } = await controllerWith(new Map([["fake", driver as Driver]]));
    const caller = controlPlane.authenticate(tokenOf(7));
    expect(caller).toMatchObject({ type: "instance", epoch: 7, revoked: false });
    await expect(controlPlane.ingest(caller as InstanceCaller, [])).rejects.toMatchObject({
      code: "record/unsettled",
      disposition: "retry",
    });
    await close();
  });

  test("is refused once the record knows a higher one", async () => {
    await recorded(declared, assigned, started, { type: "prepare.finished", gates: [] });
    const { controlPlane, close } = await controllerWith(new Map([["fake", driver as Driver]]));
    expect(controlPlane.authenticate(tokenOf(1))).toMatchObject({ epoch: 1, revoked: true });
    await close();
  });
});

describe("a pause with an end", () => {
  test("lifts itself then, and not before", async () => {
    await recorded(declared, assigned);
    const controller = await controllerWith(new Map([["fake", driver as Driver]]));
    const holds = () => controller.fleetSnapshot().states.get("scribe")?.holds ?? [];
    expect(await controller.controlPlane.operations.pause({ ...asked, until: T0 - 1 }, OLGA)).toMatchObject({
      ok: false,
    });
    const until = now + 24 * 3_600_000;
    expect(await controller.controlPlane.operations.pause({ ...asked, until }, OLGA)).toMatchObject({
      ok: true,
    });
    await controller.supervise(() => 0);
    expect(holds()).toMatchObject([{ kind: "operator", until }]);
    now = until;
    await controller.supervise(() => 0);
    expect(holds()).toEqual([]);
    await controller.close();
  });
});

describe("resume by hand", () => {
  const quarantine: CloneEvent = {
    type: "hold.placed",
    by: SUPERVISOR,
    hold: {
      kind: "quarantine",
      owner: "supervisor",
      since: T0,
      reason: "RestartLimitReached",
      message: "failed four times",
      clearBy: "anyone",
    },
  };

  test("lifts a pause and leaves the quarantine under it; asked again, it lifts that", async () => {
    await recorded(declared, assigned, quarantine);
    const controller = await controllerWith(new Map([["fake", driver as Driver]]));
    const { controlPlane } = controller;
    const kinds = () =>
      controller
        .fleetSnapshot()
        .states.get("scribe")
        ?.holds.map((hold) => hold.kind);
    await controlPlane.operations.pause(asked, OLGA);
    const first = await controlPlane.operations.resume(asked, OLGA);
    expect(kinds()).toEqual(["quarantine"]);
    expect(first).toMatchObject({ ok: true, message: expect.stringContaining("failed four times") });
    expect(await controlPlane.operations.resume(asked, OLGA)).toEqual({
      ok: true,
      message: "scribe is resumed",
    });
    expect(kinds()).toEqual([]);
    await controller.close();
  });
});
