import { describe, expect, test } from "vitest";
import { controllerPart } from "../../../src/core/model/actor.ts";
import { initialState } from "../../../src/core/model/clone-state.ts";
import { FactoryError } from "../../../src/core/model/error.ts";
import type { FleetEvent } from "../../../src/core/model/fleet-event.ts";
import type { Signal } from "../../../src/core/model/instance.ts";
import { silentLog } from "../../../src/ports/log.ts";
import type { NewEffect, Store } from "../../../src/ports/store.ts";
import { openRecorder, recordEvents } from "../../../src/reconciler/record/recorder.ts";
import { aClone, aMission, REVISION, T0 } from "../../support/fleet.ts";
import { createMemoryStore } from "../../support/memory-store/store.ts";
import { notice } from "../../support/record.ts";
import { rightToAct } from "../../support/right.ts";

let now = T0;
const clock = { now: () => now++, sleep: async () => {} };
const open = (store: Store) => openRecorder({ store, clock, log: silentLog, right: rightToAct() });
const declared = { type: "clone.declared", spec: aClone("scribe") } as const;
const assigned = { type: "mission.assigned", mission: aMission("audit", "scribe") } as const;
function down(destination: string): FleetEvent {
  const by = controllerPart("notices");
  return { type: "destination.down", by, destination, since: T0 + 1, reason: "refused" };
}
const started = { type: "start.planned", revision: REVISION, why: "" } as const;

describe("the record", () => {
  test("what was written is there for the next controller, with the effects that were not settled", async () => {
    const store = createMemoryStore();
    const recorder = await open(store);
    const effects: NewEffect[] = [];
    recorder.onEffects((more) => effects.push(...more));
    await recordEvents(recorder, "scribe", declared, assigned, started);
    expect(effects.map(({ id, effect }) => [id, effect.type])).toEqual([["scribe/3/0", "prepare"]]);
    const next = await open(store.reopen());
    expect(next.states.get("scribe")).toEqual(recorder.states.get("scribe"));
    expect(next.unsettled.map((effect) => effect.id)).toEqual(["scribe/3/0"]);
  });

  test("a heartbeat is heard although it cannot be written down", async () => {
    const store = createMemoryStore();
    const full = async (): Promise<never> => {
      throw new FactoryError("store/io", "retry", "the disk is full");
    };
    const recorder = await open({ ...store, putSignals: full });
    const heartbeat = { clone: "scribe", epoch: 1, seq: 1 } as Signal["heartbeat"];
    await expect(recorder.putSignal({ receivedAt: T0, heartbeat })).rejects.toThrow("the disk is full");
    expect(recorder.signals.get("scribe")?.receivedAt).toBe(T0);
  });

  test("entries are decided one after the other, however many wait", async () => {
    const recorder = await open(createMemoryStore());
    const seen: number[] = [];
    await Promise.all(
      Array.from({ length: 50 }, () =>
        recorder.write("scribe", (state) => {
          seen.push(state.version);
          return { events: [declared] };
        }),
      ),
    );
    expect(seen).toEqual(Array.from({ length: 50 }, (_, index) => index));
  });

  test("entries of clones and of the fleet share a transaction, in one chain", async () => {
    const store = createMemoryStore();
    let commits = 0;
    const counted: Store = {
      ...store,
      commit(batch) {
        commits += 1;
        return store.commit(batch);
      },
    };
    const recorder = await open(counted);
    const before = commits;
    const seen: number[] = [];
    recorder.onFleet(({ after }) => seen.push(after.version));
    const [one] = await Promise.all([
      recorder.writeFleet(() => ({ events: [down("pager")], outbox: { put: [notice("n")], removed: [] } })),
      recordEvents(recorder, "scribe", declared),
      recorder.writeFleet(({ version }) => (version === 1 ? { events: [down("hook")] } : null)),
    ]);
    expect(commits - before).toBe(1);
    expect([one.before.version, one.after.version]).toEqual([0, 1]);
    expect(seen).toEqual([1, 2]);
    expect(recorder.fleet.destinations.down).toEqual({ pager: T0 + 1, hook: T0 + 1 });
    expect((await store.events({ limit: 10 })).map(({ clone }) => clone)).toEqual([null, "scribe", null]);
    const next = await open(store.reopen());
    expect(next.fleet).toEqual(recorder.fleet);
    expect([...next.outbox.keys()]).toEqual(["n"]);
  });

  test.each(["before", "after"] as const)(
    "what happened to the fleet is recorded once when its commit failed %s it took effect",
    async (when) => {
      const store = createMemoryStore();
      const recorder = await open(store);
      const tell = () =>
        recorder.writeFleet(({ destinations }) =>
          destinations.down["pager"] === undefined ? { events: [down("pager")] } : null,
        );
      store.failNextCommit(when);
      await expect(tell()).rejects.toMatchObject({ code: "store/io" });
      expect(recorder.fleet.version).toBe(0);
      await tell();
      expect(recorder.fleet.version).toBe(1);
      expect(await store.events({ limit: 10 })).toHaveLength(1);
    },
  );

  test("an entry of the fleet that throws leaves nothing of itself", async () => {
    const recorder = await open(createMemoryStore());
    const bad = recorder.writeFleet(() => {
      throw new Error("no");
    });
    const unknown = { type: "switch.welded" } as unknown as FleetEvent;
    const half = recorder.writeFleet(() => ({ events: [down("pager"), unknown] }));
    const good = recorder.writeFleet(() => ({ events: [down("hook")] }));
    await expect(bad).rejects.toThrow("no");
    await expect(half).rejects.toThrow("switch.welded");
    expect((await good).after).toMatchObject({
      version: 1,
      destinations: { down: { hook: expect.any(Number) } },
    });
    expect(recorder.fleet.destinations.down["pager"]).toBeUndefined();
  });

  test("an entry that throws harms no other", async () => {
    const recorder = await open(createMemoryStore());
    const bad = recorder.write("scribe", () => {
      throw new Error("no");
    });
    const good = recordEvents(recorder, "other", declared);
    await expect(bad).rejects.toThrow("no");
    expect((await good).after.version).toBe(1);
    expect(recorder.states.get("scribe")).toBeUndefined();
  });

  test.each(["before", "after"] as const)(
    "a commit that failed %s it took effect is neither lost nor done twice",
    async (when) => {
      const store = createMemoryStore();
      const recorder = await open(store);
      const effects: string[] = [];
      recorder.onEffects((more) => effects.push(...more.map((effect) => effect.id)));
      await recordEvents(recorder, "scribe", declared, assigned);
      store.failNextCommit(when);
      await expect(recordEvents(recorder, "scribe", started)).rejects.toMatchObject({ code: "store/io" });
      await recordEvents(recorder, "scribe", started);
      expect(recorder.states.get("scribe")?.phase).toBe("Preparing");
      expect(effects).toEqual(["scribe/3/0"]);
      expect(await store.verify()).toMatchObject({ ok: true, events: when === "before" ? 3 : 4 });
    },
  );

  test("trouble is told when it begins and when it is over, not with every attempt", async () => {
    const store = createMemoryStore();
    const lines: string[] = [];
    const say = (line: string): void => void lines.push(line);
    const log = { ...silentLog, error: say, info: say };
    const recorder = await openRecorder({
      store,
      clock: { now: () => T0, sleep: async () => {} },
      log,
      right: rightToAct(),
    });
    for (let tries = 0; tries < 3; tries++) {
      store.failNextCommit("before");
      await expect(recordEvents(recorder, "scribe", declared)).rejects.toMatchObject({ code: "store/io" });
    }
    expect(recorder.problem()).toMatchObject({ since: T0 });
    await recordEvents(recorder, "scribe", declared);
    expect(recorder.problem()).toBeNull();
    expect(lines).toEqual(["the record could not be written", "the record can be written again"]);
  });

  test("nothing is written for an entry that has nothing to say", async () => {
    const store = createMemoryStore();
    const recorder = await open(store);
    const { before, after } = await recorder.write("scribe", () => null);
    expect(after).toBe(before);
    expect(before).toEqual(initialState("scribe", before.phaseSince));
    expect(await store.verify()).toMatchObject({ ok: true, events: 0 });
  });
});

test("a listener that throws keeps nobody from being told, and the record goes on", async () => {
  const recorder = await open(createMemoryStore());
  const told: string[] = [];
  recorder.onChange(() => {
    throw new Error("no");
  });
  recorder.onChange(({ after }) => told.push(after.name));
  await recordEvents(recorder, "scribe", declared);
  await recordEvents(recorder, "scribe", assigned);
  expect(told).toEqual(["scribe", "scribe"]);
});
