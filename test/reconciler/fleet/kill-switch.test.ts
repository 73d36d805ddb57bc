/** The switch between its file, the record and the repository: in force at once, on record once, and never let go of by a crash. */
import { beforeEach, describe, expect, test } from "vitest";
import type { DeclaredSwitch } from "../../../src/core/fleet/kill-switch/switch-events.ts";
import { actorText } from "../../../src/core/model/actor.ts";
import { initialState } from "../../../src/core/model/clone-state.ts";
import {
  engage,
  NOTHING_ENGAGED,
  release,
  type SwitchScope,
  scopeText,
  switchText,
} from "../../../src/core/model/kill-switch.ts";
import { isOfFleet } from "../../../src/core/record/chain.ts";
import { silentLog } from "../../../src/ports/log.ts";
import { createKillSwitch, type KillSwitch } from "../../../src/reconciler/fleet/kill-switch.ts";
import { openRecorder, type Recorder } from "../../../src/reconciler/record/recorder.ts";
import { createFakeKillSwitchFile, type FakeKillSwitchFile } from "../../support/fake/kill-switch.ts";
import { T0 } from "../../support/fleet.ts";
import { createMemoryStore, type MemoryStore } from "../../support/memory-store/store.ts";
import { rightToAct } from "../../support/right.ts";

const FLEET: SwitchScope = { type: "fleet" };
const AUDIT: SwitchScope = { type: "mission", name: "audit" };
const ANN = { actor: "ann", reason: "too much" };
const BOB = { actor: "bob", reason: "fixed" };

let now: number;
let store: MemoryStore;
let file: FakeKillSwitchFile;
let recorder: Recorder;
let killSwitch: KillSwitch;
let declared: DeclaredSwitch | null;
let mayRecord: boolean;

const clock = { now: () => now++, sleep: () => new Promise<void>(() => {}) };

async function boot(): Promise<void> {
  recorder = await openRecorder({ store, clock, log: silentLog, right: rightToAct() });
  killSwitch = createKillSwitch({
    recorder,
    drivers: new Map(),
    file,
    path: file.path,
    declared: () => declared,
    mayRecord: () => mayRecord,
    clock,
    log: silentLog,
    onChange: () => {},
  });
}

/** Nothing that the last controller held in memory is left. */
async function crash(): Promise<void> {
  store = store.reopen();
  await boot();
}

/** Looks until there is nothing left to record. */
async function settle(): Promise<void> {
  for (let n = 0; n < 3; n++) {
    killSwitch.tick();
    await recorder.idle();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The fleet's events of the switch, as `type scope by from`. */
async function told(): Promise<readonly string[]> {
  const events = await store.events({ limit: 1_000 });
  return events
    .filter(isOfFleet)
    .map(({ event }) =>
      event.type === "switch.engaged" || event.type === "switch.released"
        ? `${event.type} ${scopeText(event.entry.scope)} ${actorText(event.by)} ${event.from}`
        : event.type,
    );
}

const engaged = (): readonly string[] => killSwitch.engaged().map(({ scope }) => scopeText(scope));
const onRecord = (): readonly string[] =>
  recorder.fleet.killSwitch.engaged.map(({ scope }) => scopeText(scope));
const inFile = (): readonly string[] => file.read().engaged.map(({ scope }) => scopeText(scope));

beforeEach(async () => {
  now = T0;
  store = createMemoryStore();
  file = createFakeKillSwitchFile();
  declared = null;
  mayRecord = true;
  await boot();
});

describe("what a command engages and releases", () => {
  test("is in force and in the file when the command is answered, and on record with who did it", async () => {
    await killSwitch.engage({ scope: AUDIT, ...ANN });
    expect([engaged(), inFile()]).toEqual([["mission audit"], ["mission audit"]]);
    await settle();
    expect(onRecord()).toEqual(["mission audit"]);
    await killSwitch.release({ scope: null, ...BOB });
    await settle();
    expect([engaged(), inFile(), onRecord()]).toEqual([[], [], []]);
    expect(await told()).toEqual([
      "switch.engaged mission audit operator:ann command",
      "switch.released mission audit operator:bob command",
    ]);
  });

  test.each(["before", "after"] as const)(
    "is told once when a commit fails %s it took effect",
    async (when) => {
      store.failNextCommit(when);
      await killSwitch.engage({ scope: AUDIT, ...ANN });
      await settle();
      expect(await told()).toEqual(["switch.engaged mission audit operator:ann command"]);
    },
  );

  test("is told once when the controller dies between the file and the record", async () => {
    mayRecord = false;
    await killSwitch.engage({ scope: AUDIT, ...ANN });
    await recorder.idle();
    expect(await told()).toEqual([]);
    mayRecord = true;
    await crash();
    expect(engaged()).toEqual(["mission audit"]);
    await settle();
    await crash();
    await settle();
    expect(await told()).toEqual(["switch.engaged mission audit operator:ann file"]);
  });

  test("that was never engaged is refused and tells nothing", async () => {
    expect(await killSwitch.release({ scope: AUDIT, ...BOB })).toMatchObject({ ok: false, code: "conflict" });
    await settle();
    expect(await told()).toEqual([]);
  });
});

describe("the file", () => {
  test("is obeyed, and what others wrote into it is recorded as found there", async () => {
    file.write(
      engage(NOTHING_ENGAGED, {
        scope: FLEET,
        by: "operator:eve",
        reason: "",
        at: "2026-11-23T11:00:00.000Z",
      }),
    );
    await settle();
    const next = release(file.read(), { scope: FLEET, by: "operator:bob", reason: "fixed", atMs: T0 });
    if (next === null) throw new Error("nothing to release");
    file.write(next);
    await settle();
    expect(engaged()).toEqual([]);
    expect(await told()).toEqual([
      "switch.engaged fleet operator:eve file",
      "switch.released fleet operator:bob file",
    ]);
  });

  test("is read before anything is planned or started, whenever it was last looked at", async () => {
    await settle();
    file.write(
      engage(NOTHING_ENGAGED, {
        scope: FLEET,
        by: "operator:eve",
        reason: "",
        at: "2026-11-23T11:00:00.000Z",
      }),
    );
    const lane = initialState("scribe", T0);
    expect(killSwitch.covering(lane)?.scope).toEqual(FLEET);
    file.put(switchText(NOTHING_ENGAGED));
    await crash();
    file.write(engage(NOTHING_ENGAGED, { scope: AUDIT, by: "operator:eve", reason: "", at: "now" }));
    expect(killSwitch.readEngaged().map(({ scope }) => scopeText(scope))).toContain("mission audit");
  });

  test("that is removed releases nothing, and is written anew, also by the next controller", async () => {
    await killSwitch.engage({ scope: AUDIT, ...ANN });
    await settle();
    file.put(null);
    await settle();
    expect([engaged(), inFile()]).toEqual([["mission audit"], ["mission audit"]]);
    file.put(null);
    await crash();
    expect(engaged()).toEqual(["mission audit"]);
    await settle();
    expect(inFile()).toEqual(["mission audit"]);
    expect(await told()).toHaveLength(1);
  });

  test("that nobody can read kills nobody: what it said last holds, and why is told until it can be read again", async () => {
    await killSwitch.engage({ scope: AUDIT, ...ANN });
    await settle();
    file.hide("no descriptor is left");
    file.put("somebody's touch");
    await settle();
    const since = killSwitch.unknown()?.since;
    expect(since).toBeGreaterThanOrEqual(T0);
    now += 60_000;
    await settle();
    expect(engaged()).toEqual(["mission audit"]);
    expect(killSwitch.unknown()).toEqual({ since, message: "no descriptor is left" });
    expect(await told()).toHaveLength(1);
    file.hide(null);
    await settle();
    expect(killSwitch.unknown()).toBeNull();
    expect(engaged()).toEqual(["mission audit", "fleet"]);
  });

  test("is written when something in it changed, and else left alone", async () => {
    let writes = 0;
    const { write } = file;
    file.write = (state) => {
      writes += 1;
      write(state);
    };
    await killSwitch.engage({ scope: AUDIT, actor: "ann", reason: "x".repeat(2_000) });
    await settle();
    await settle();
    expect(writes).toBe(1);
  });
});

describe("what fleet.yaml engages", () => {
  const said = (missions: readonly string[], digit: string, usable = true): DeclaredSwitch => ({
    revision: digit.repeat(40),
    usable,
    killSwitch: { engaged: false, labels: {}, missions },
  });

  test("is in force with the commit and released with the one that takes it back, each on record once", async () => {
    declared = said(["audit"], "a");
    expect(engaged()).toEqual(["mission audit"]);
    await settle();
    declared = said(["audit"], "b");
    await settle();
    declared = said([], "c");
    await settle();
    expect(engaged()).toEqual([]);
    expect(await told()).toEqual([
      `switch.engaged mission audit repository:${"a".repeat(40)} repository`,
      `switch.released mission audit repository:${"c".repeat(40)} repository`,
    ]);
    expect(inFile()).toEqual([]);
  });

  test("stays in force when a controller starts and the repository cannot be read, or is broken", async () => {
    declared = said(["audit"], "a");
    await settle();
    declared = null;
    await crash();
    expect(engaged()).toEqual(["mission audit"]);
    declared = said([], "b", false);
    await settle();
    expect(engaged()).toEqual(["mission audit"]);
    expect(await killSwitch.release({ scope: AUDIT, ...BOB })).toMatchObject({
      ok: false,
      message: expect.stringContaining("fleet.yaml"),
    });
    expect(await told()).toHaveLength(1);
  });
});

test("a record that may be one that was lost gets no event of it, and it is in force all the same", async () => {
  mayRecord = false;
  await killSwitch.engage({ scope: FLEET, ...ANN });
  declared = {
    revision: "a".repeat(40),
    usable: true,
    killSwitch: { engaged: true, labels: {}, missions: [] },
  };
  await settle();
  expect(engaged()).toEqual(["fleet", "fleet"]);
  expect((await store.load()).lastSeq).toBe(0);
});
