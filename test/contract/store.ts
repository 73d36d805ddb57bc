import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { foldFleet } from "../../src/core/fleet/decide.ts";
import type { CloneState } from "../../src/core/model/clone-state.ts";
import { canonicalJson } from "../../src/core/model/digest.ts";
import { INITIAL_FLEET } from "../../src/core/model/fleet-state.ts";
import { GENESIS_HASH, linkHash } from "../../src/core/record/chain.ts";
import type { Lease } from "../../src/ports/lease.ts";
import type { Batch, Store } from "../../src/ports/store.ts";
import { actionRow, batchOf, effect, event, fleetEvent, notice, signal, stateOf } from "../support/record.ts";

/** A store with the lease that lies where it does. */
export interface LeasedStore extends Store {
  readonly lease: Lease;
}

/** A place where one store at a time can be open, and where its record outlives it. */
export interface StorePlace {
  open(): Promise<LeasedStore>;
  /** The same record as a second controller has it that does not know of the first one. */
  beside(store: LeasedStore): Promise<LeasedStore>;
  /** Ends the store without any goodbye that the implementation can do without. */
  crash(store: LeasedStore): Promise<void>;
  remove(): Promise<void>;
}

/** What holds for every store. */
export function storeContract(name: string, newPlace: () => Promise<StorePlace>): void {
  describe(`${name} keeps the store contract`, () => {
    let place: StorePlace;
    let store: LeasedStore;

    beforeEach(async () => {
      place = await newPlace();
      store = await place.open();
    });
    afterEach(async () => {
      await store.close();
      await place.remove();
    });

    async function reopen(): Promise<void> {
      await place.crash(store);
      store = await place.open();
    }

    it("starts empty, with a chain that is whole", async () => {
      expect(await store.load()).toEqual({
        states: [],
        fleet: INITIAL_FLEET,
        effects: [],
        signals: [],
        settings: {},
        outbox: [],
        lastSeq: 0,
      });
      expect(await store.events({ limit: 10 })).toEqual([]);
      expect(await store.verify()).toEqual({ ok: true, events: 0, head: GENESIS_HASH });
    });

    it("keeps a whole batch across a crash", async () => {
      const batch = batchOf({
        at: 1_000,
        events: [event("alpha"), event("alpha", "m-1")],
        states: [stateOf("alpha", 2)],
        effects: [effect("alpha/2/0", "alpha")],
        receipts: [{ key: "alpha/1/1", digest: "d1", status: 200, body: "{}" }],
        settings: { "source/revision": "abc" },
      });
      expect(await store.commit(batch)).toEqual({ lastSeq: 2 });
      await reopen();
      expect(await store.load()).toEqual({
        states: [stateOf("alpha", 2)],
        fleet: INITIAL_FLEET,
        effects: [{ ...effect("alpha/2/0", "alpha"), createdAt: 1_000 }],
        signals: [],
        settings: { "source/revision": "abc" },
        outbox: [],
        lastSeq: 2,
      });
      expect(await store.receipt("alpha/1/1")).toEqual(batch.receipts[0]);
      expect(await store.receipt("alpha/1/2")).toBeNull();
      const events = await store.events({ limit: 10 });
      expect(events.map(({ seq, at, clone, missionId }) => ({ seq, at, clone, missionId }))).toEqual([
        { seq: 1, at: 1_000, clone: "alpha", missionId: null },
        { seq: 2, at: 1_000, clone: "alpha", missionId: "m-1" },
      ]);
      expect(events[0]?.event).toEqual(event("alpha").event);
    });

    it("chains events so that anybody can check them from what is handed out", async () => {
      await store.commit(
        batchOf({ at: 5, events: [event("ünï·code"), event("ünï·code")], states: [stateOf("ünï·code", 2)] }),
      );
      await reopen();
      await store.commit(
        batchOf({ at: 6, events: [event("ünï·code", "m")], states: [stateOf("ünï·code", 3)] }),
      );
      let prevHash = GENESIS_HASH;
      const events = await store.events({ limit: 10 });
      for (const { seq, at, clone, missionId, event: happened, ...hashes } of events) {
        const hash = linkHash(prevHash, { seq, at, clone, missionId, eventText: canonicalJson(happened) });
        expect(hashes).toEqual({ prevHash, hash });
        prevHash = hash;
      }
      expect(await store.verify()).toEqual({ ok: true, events: 3, head: prevHash });
    });

    it("keeps events of the fleet in one chain with those of clones, and its state beside theirs", async () => {
      const fleet = foldFleet(
        [fleetEvent("pager"), fleetEvent("hook")].map(({ event }) => ({ event, at: 5 })),
      );
      const batch = batchOf({
        at: 5,
        events: [fleetEvent("pager"), event("alpha"), fleetEvent("hook")],
        states: [stateOf("alpha", 1)],
        fleet,
      });
      expect(await store.commit(batch)).toEqual({ lastSeq: 3 });
      await reopen();
      expect((await store.load()).fleet).toEqual(fleet);
      const events = await store.events({ limit: 10 });
      expect(events.map(({ seq, clone, missionId }) => [seq, clone, missionId])).toEqual([
        [1, null, null],
        [2, "alpha", null],
        [3, null, null],
      ]);
      expect((await store.events({ clone: null, limit: 10 })).map(({ event: { type } }) => type)).toEqual([
        "destination.up",
        "destination.up",
      ]);
      expect((await store.events({ clone: null, last: 1, limit: 10 })).map(({ seq }) => seq)).toEqual([3]);
      expect((await store.events({ clone: "alpha", limit: 10 })).map(({ seq }) => seq)).toEqual([2]);
      let prevHash = GENESIS_HASH;
      for (const { seq, at, clone, missionId, event: happened, ...hashes } of events) {
        const hash = linkHash(prevHash, { seq, at, clone, missionId, eventText: canonicalJson(happened) });
        expect(hashes).toEqual({ prevHash, hash });
        prevHash = hash;
      }
      expect(await store.verify()).toEqual({ ok: true, events: 3, head: prevHash });
    });

    it("refuses what was decided on an older state of the fleet, and nothing of it is there", async () => {
      const first = foldFleet([{ event: fleetEvent("pager").event, at: 5 }]);
      await store.commit(batchOf({ at: 5, events: [fleetEvent("pager")], fleet: first }));
      const again = batchOf({
        at: 6,
        events: [fleetEvent("hook"), event("alpha")],
        states: [stateOf("alpha", 1)],
        fleet: foldFleet([{ event: fleetEvent("hook").event, at: 6 }]),
        settings: { touched: "yes" },
      });
      await expect(store.commit(again)).rejects.toMatchObject({ code: "store/conflict" });
      await expect(store.commit(batchOf({ at: 6, events: [fleetEvent("hook")] }))).rejects.toMatchObject({
        code: "store/conflict",
      });
      await reopen();
      expect(await store.load()).toMatchObject({ states: [], fleet: first, settings: {}, lastSeq: 1 });
    });

    it("settles effects, and lists open ones in the order in which they were asked for", async () => {
      const asked = ["beta/2/0", "alpha/10/0", "alpha/9/1", "alpha/9/0"];
      await store.commit(batchOf({ effects: asked.map((id) => effect(id, id.split("/")[0] ?? "")) }));
      expect((await store.load()).effects.map(({ id }) => id)).toEqual([
        "alpha/9/0",
        "alpha/9/1",
        "alpha/10/0",
        "beta/2/0",
      ]);
      await store.commit(batchOf({ settled: ["alpha/9/0", "beta/2/0", "never/1/0"] }));
      await reopen();
      expect((await store.load()).effects.map(({ id }) => id)).toEqual(["alpha/9/1", "alpha/10/0"]);
    });

    it("keeps the newest row of every action, by mission and key, across a crash", async () => {
      const rows = [
        actionRow("m-1", "b", { reservedAt: 10 }),
        actionRow("m-1", "a", { reservedAt: 10 }),
        actionRow("m-1", "c", { reservedAt: 5 }),
        actionRow("m-2", "a", { reservedAt: 1 }),
      ];
      await store.commit(batchOf({ actions: rows }));
      const again = actionRow("m-1", "c", { reservedAt: 20, state: "committed", result: '{"ünï":1}' });
      await store.commit(
        batchOf({ events: [event("alpha", "m-1")], states: [stateOf("alpha", 1)], actions: [again] }),
      );
      await reopen();
      expect(await store.action("m-1", "c")).toEqual(again);
      expect(await store.action("m-2", "a")).toEqual(rows[3]);
      expect(await store.action("m-2", "b")).toBeNull();
      const keys = async (missionId: string, limit: number) =>
        (await store.actions({ missionId, limit })).map(({ key }) => key);
      expect(await keys("m-1", 10)).toEqual(["a", "b", "c"]);
      expect(await keys("m-1", 2)).toEqual(["b", "c"]);
      expect(await keys("m-1", 0)).toEqual([]);
      expect(await keys("m-3", 10)).toEqual([]);
    });

    it("writes no row of a batch that it refuses", async () => {
      const refused = batchOf({ states: [stateOf("alpha", 7)], actions: [actionRow("m-1", "a")] });
      await expect(store.commit(refused)).rejects.toMatchObject({ code: "store/conflict" });
      expect(await store.action("m-1", "a")).toBeNull();
    });

    it("refuses whoever comes with a lower term than it has seen, durably, and keeps nothing of it", async () => {
      expect(await store.term()).toBe(0);
      await store.commit(batchOf({ term: 3, events: [event("alpha")], states: [stateOf("alpha", 1)] }));
      // Raised by a batch that holds nothing else.
      await store.commit(batchOf({ term: 5 }));
      expect(await store.term()).toBe(5);
      await reopen();
      const before = await snapshot(store);
      const late = batchOf({
        term: 3,
        events: [event("alpha")],
        states: [stateOf("alpha", 2)],
        effects: [effect("alpha/2/0", "alpha")],
        receipts: [{ key: "k", digest: "d", status: 200, body: "" }],
        settings: { touched: "yes" },
        actions: [actionRow("m-1", "a")],
        outbox: { put: [notice("a")], removed: [] },
      });
      const fenced = { code: "store/fenced", disposition: "yield" };
      await expect(store.commit(late)).rejects.toMatchObject(fenced);
      await expect(store.commit(batchOf({ term: 4 }))).rejects.toMatchObject(fenced);
      await expect(store.putSignals([signal("alpha", 1, 1, 1)], 3)).rejects.toMatchObject(fenced);
      expect(await snapshot(store)).toEqual(before);
      expect(await store.receipt("k")).toBeNull();
      expect(await store.action("m-1", "a")).toBeNull();
      expect(await store.term()).toBe(5);
      await store.commit({ ...late, term: 5 });
      await store.putSignals([signal("alpha", 1, 1, 1)], 6);
      expect(await store.term()).toBe(6);
      expect((await store.load()).lastSeq).toBe(2);
    });

    it("lets the second of two openers take over, and refuses the first one from its next write on", async () => {
      const { signal: never } = new AbortController();
      const ann = await store.lease.acquire({ holder: "ann", above: await store.term() }, never);
      await store.commit(
        batchOf({ term: ann.term, events: [event("alpha")], states: [stateOf("alpha", 1)] }),
      );
      const other = await place.beside(store);
      const ben = await other.lease.acquire({ holder: "ben", above: await other.term() }, never);
      const next = batchOf({ events: [event("alpha")], states: [stateOf("alpha", 2)] });
      const fenced = {
        code: "store/fenced",
        disposition: "yield",
        message: `the record was taken over with term ${ben.term} by ben; nothing of term ${ann.term} is recorded any more`,
      };
      await expect(store.commit({ ...next, term: ann.term })).rejects.toMatchObject(fenced);
      await expect(store.putSignals([signal("alpha", 1, 1, 1)], ann.term)).rejects.toMatchObject(fenced);
      await other.commit({ ...next, term: ben.term });
      expect(await other.load()).toMatchObject({ lastSeq: 2, signals: [] });
      expect(await other.verify()).toMatchObject({ ok: true, events: 2 });
      await reopen();
      await expect(store.commit(batchOf({ term: ann.term }))).rejects.toMatchObject(fenced);
    });

    it("gives everybody who writes at the same moment the answer of their own term", async () => {
      const results = await Promise.allSettled([
        store.putSignals([signal("alpha", 1, 1, 1)], 1),
        store.commit(batchOf({ term: 1, settings: { writer: "old" } })),
        store.commit(batchOf({ term: 2, settings: { writer: "new" } })),
        store.putSignals([signal("beta", 1, 1, 1)], 2),
        store.commit(batchOf({ term: 1, settings: { writer: "old again" } })),
      ]);
      expect(results.map(({ status }) => status)).toEqual([
        "fulfilled",
        "fulfilled",
        "fulfilled",
        "fulfilled",
        "rejected",
      ]);
      await expect(store.putSignals([signal("alpha", 1, 2, 2)], 1)).rejects.toMatchObject({
        code: "store/fenced",
      });
      await reopen();
      const { settings, signals } = await store.load();
      expect(settings).toEqual({ writer: "new" });
      expect(signals).toEqual([signal("alpha", 1, 1, 1), signal("beta", 1, 1, 1)]);
    });

    it("remembers no term of a batch that it refuses for another reason", async () => {
      const wrong = batchOf({ term: 7, events: [event("alpha")] });
      await expect(store.commit(wrong)).rejects.toMatchObject({ code: "store/conflict" });
      expect(await store.term()).toBe(0);
    });

    it("removes a setting that is set to null", async () => {
      await store.commit(batchOf({ settings: { a: "1", b: "2" } }));
      await store.commit(batchOf({ settings: { a: null, c: "3", d: null } }));
      await reopen();
      expect((await store.load()).settings).toEqual({ b: "2", c: "3" });
    });

    it("refuses a state that does not follow from the stored one, and keeps nothing of its batch", async () => {
      await store.commit(batchOf({ events: [event("alpha")], states: [stateOf("alpha", 1)] }));
      const before = await snapshot(store);
      const wrong: Partial<Batch>[] = [
        { events: [event("alpha")], states: [stateOf("alpha", 1)] },
        { events: [event("alpha")], states: [stateOf("alpha", 3)] },
        { states: [stateOf("alpha", 2)] },
        { events: [event("alpha")] },
        { events: [event("new")], states: [stateOf("new", 2)] },
        { events: [event("alpha")], states: [stateOf("alpha", 2), stateOf("alpha", 2)] },
      ];
      for (const parts of wrong) {
        const batch = batchOf({
          ...parts,
          effects: [effect("alpha/2/0", "alpha")],
          settings: { touched: "yes" },
        });
        await expect(store.commit(batch)).rejects.toMatchObject({
          code: "store/conflict",
          disposition: "yield",
        });
      }
      expect(await snapshot(store)).toEqual(before);
    });

    it("replaces a state without events as long as its version stands", async () => {
      await store.commit(batchOf({ events: [event("alpha")], states: [stateOf("alpha", 1)] }));
      await store.commit(batchOf({ states: [{ ...stateOf("alpha", 1), gateAttempts: 4 }] }));
      expect((await store.load()).states[0]?.gateAttempts).toBe(4);
    });

    it("keeps the first answer to a key and refuses another payload under it", async () => {
      const first = { key: "k", digest: "d1", status: 200, body: "first" };
      await store.commit(batchOf({ receipts: [first] }));
      await store.commit(batchOf({ receipts: [{ ...first, status: 208, body: "second" }] }));
      expect(await store.receipt("k")).toEqual(first);
      const other = batchOf({
        events: [event("alpha")],
        states: [stateOf("alpha", 1)],
        receipts: [{ ...first, digest: "d2" }],
      });
      await expect(store.commit(other)).rejects.toMatchObject({ code: "store/conflict" });
      expect((await store.load()).lastSeq).toBe(0);
    });

    it("keeps notices in the order of their first writing until they are removed", async () => {
      const settings = { told: "yes" };
      await store.commit(batchOf({ outbox: { put: [notice("a"), notice("b")], removed: [] }, settings }));
      await store.commit(
        batchOf({ outbox: { put: [notice("c"), { ...notice("a"), attempts: 1 }], removed: [] } }),
      );
      await reopen();
      const ids = async () => (await store.load()).outbox.map(({ id, attempts }) => `${id} ${attempts}`);
      expect(await ids()).toEqual(["a 1", "b 0", "c 0"]);
      await store.commit(batchOf({ outbox: { put: [notice("d")], removed: ["b", "never"] } }));
      await store.commit(batchOf({ outbox: { put: [], removed: ["b"] } }));
      await reopen();
      expect(await ids()).toEqual(["a 1", "c 0", "d 0"]);
    });

    it("writes notices with their cause or not at all", async () => {
      const wrong = batchOf({ events: [event("alpha")], outbox: { put: [notice("a")], removed: [] } });
      await expect(store.commit(wrong)).rejects.toMatchObject({ code: "store/conflict" });
      expect((await store.load()).outbox).toEqual([]);
    });

    it("refuses a second effect under an open id", async () => {
      await store.commit(batchOf({ effects: [effect("alpha/1/0", "alpha")] }));
      const again = batchOf({ effects: [effect("alpha/1/1", "alpha"), effect("alpha/1/0", "alpha")] });
      await expect(store.commit(again)).rejects.toMatchObject({ code: "store/conflict" });
      expect((await store.load()).effects).toHaveLength(1);
    });

    it("lets one of two concurrent writers of a clone win, and a bystander pass", async () => {
      const batches = [
        batchOf({ events: [event("alpha")], states: [stateOf("alpha", 1)], settings: { winner: "first" } }),
        batchOf({ events: [event("alpha")], states: [stateOf("alpha", 1)], settings: { winner: "second" } }),
        batchOf({ events: [event("beta")], states: [stateOf("beta", 1)] }),
      ];
      const results = await Promise.allSettled(batches.map((batch) => store.commit(batch)));
      expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
      const { states, settings, lastSeq } = await store.load();
      expect(states.map(({ name, version }) => [name, version])).toEqual([
        ["alpha", 1],
        ["beta", 1],
      ]);
      expect({ settings, lastSeq }).toEqual({ settings: { winner: "first" }, lastSeq: 2 });
      expect(await store.verify()).toMatchObject({ ok: true, events: 2 });
    });

    it("finds events by clone, mission and position", async () => {
      for (let round = 1; round <= 5; round += 1) {
        await store.commit(
          batchOf({
            events: [event("alpha", "m-1"), event("beta", round % 2 ? "m-2" : null)],
            states: [stateOf("alpha", round), stateOf("beta", round)],
          }),
        );
      }
      const seqs = async (query: Parameters<Store["events"]>[0]) =>
        (await store.events(query)).map(({ seq }) => seq);
      expect(await seqs({ limit: 3 })).toEqual([1, 2, 3]);
      expect(await seqs({ afterSeq: 7, limit: 10 })).toEqual([8, 9, 10]);
      expect(await seqs({ clone: "beta", limit: 10 })).toEqual([2, 4, 6, 8, 10]);
      expect(await seqs({ missionId: "m-2", limit: 10 })).toEqual([2, 6, 10]);
      expect(await seqs({ clone: "alpha", missionId: "m-2", limit: 10 })).toEqual([]);
      expect(await seqs({ last: 3, limit: 10 })).toEqual([8, 9, 10]);
      expect(await seqs({ last: 10, limit: 2 })).toEqual([9, 10]);
      expect(await seqs({ clone: "alpha", last: 2, afterSeq: 7, limit: 10 })).toEqual([9]);
      expect(await seqs({ limit: 0 })).toEqual([]);
      expect(await seqs({ afterSeq: 99, limit: 5 })).toEqual([]);
    });

    it("keeps the newest heartbeat per clone, and is not moved by an older one or a repeat", async () => {
      await store.putSignals([signal("alpha", 1, 5, 100), signal("beta", 1, 1, 100)], 1);
      await store.putSignals([signal("alpha", 1, 4, 200)], 1);
      await store.putSignals([signal("alpha", 1, 5, 300)], 1);
      expect((await store.load()).signals).toEqual([signal("alpha", 1, 5, 100), signal("beta", 1, 1, 100)]);
      await store.putSignals([signal("alpha", 2, 1, 400), signal("alpha", 1, 9, 400)], 1);
      await reopen();
      expect((await store.load()).signals).toEqual([signal("alpha", 2, 1, 400), signal("beta", 1, 1, 100)]);
      await store.putSignals([], 1);
    });

    it("takes many heartbeats at once, in any order", async () => {
      const many = Array.from({ length: 300 }, (_, index) => signal(`clone-${index % 30}`, 1, index, index));
      await Promise.all(many.toReversed().map((one) => store.putSignals([one], 1)));
      await reopen();
      const { signals } = await store.load();
      expect(signals).toHaveLength(30);
      expect(signals.every(({ heartbeat }) => heartbeat.seq >= 270)).toBe(true);
    });

    it("hands out copies: nobody changes the record by changing what was read or written", async () => {
      const state = { ...stateOf("alpha", 1), failures: [] as unknown[] } as unknown as CloneState;
      await store.commit(batchOf({ events: [event("alpha")], states: [state] }));
      // A store may forbid it or be deaf to it.
      const disturb = (list: unknown) => {
        try {
          (list as unknown[]).push("later");
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError);
        }
      };
      disturb(state.failures);
      const read = await store.load();
      disturb(read.states[0]?.failures);
      expect((await store.load()).states[0]?.failures).toEqual([]);
      const next = { ...state, version: 2, failures: [] } as CloneState;
      await store.commit(batchOf({ events: [event("alpha")], states: [next] }));
      await reopen();
      expect((await store.load()).states).toEqual([next]);
    });

    it("gives back every state as it was committed last, however it changed and whatever was refused", async () => {
      const step = fc.record({
        clone: fc.constantFrom("a", "b"),
        // Of one state to the next a part changes, as of a clone's.
        change: fc.dictionary(
          fc.constantFrom("failures", "recent", "gates", "conditions", "__proto__"),
          JSON_VALUE,
        ),
        off: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.constantFrom(-1, 1)),
        crash: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.constant(true)),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
          const { states: stored } = await store.load();
          const states = new Map(stored.map((state) => [state.name, state]));
          for (const { clone, change, off, crash } of steps) {
            const before = states.get(clone) ?? stateOf(clone, 0);
            const wanted = { ...before, ...change, version: before.version + 1 } as CloneState;
            const batch = batchOf({
              events: [event(clone)],
              states: [{ ...wanted, version: wanted.version + off }],
            });
            const taken = await store.commit(batch).then(
              () => true,
              () => false,
            );
            expect(taken).toBe(off === 0);
            if (taken) states.set(clone, wanted);
            if (crash) await reopen();
          }
          const found = (await store.load()).states;
          expect(found).toEqual([...states.keys()].sort().map((name) => asJson(states.get(name))));
        }),
        { numRuns: 15 },
      );
    });

    it("reads back a state that has grown and shrunk a thousand times", async () => {
      let last = stateOf("alpha", 0);
      for (let version = 1; version <= 1_000; version += 1) {
        last = { ...last, version, gateAttempts: version % 7, failures: failuresUpTo(version) };
        await store.commit(batchOf({ events: [event("alpha")], states: [last] }));
      }
      await reopen();
      expect((await store.load()).states).toEqual([last]);
      const next = { ...last, version: 1_001, failures: [] };
      await store.commit(batchOf({ events: [event("alpha")], states: [next] }));
      expect((await store.load()).states).toEqual([next]);
    });

    it("rejects everything after it was closed, and may be closed twice", async () => {
      await store.close();
      await store.close();
      await expect(store.load()).rejects.toMatchObject({ code: "store/closed" });
      await expect(store.commit(batchOf({}))).rejects.toMatchObject({ code: "store/closed" });
      await expect(store.putSignals([signal("a", 1, 1, 1)], 1)).rejects.toMatchObject({
        code: "store/closed",
      });
      store = await place.open();
    });

    it("finishes what was asked for before it closes", async () => {
      const committed = store.commit(batchOf({ events: [event("alpha")], states: [stateOf("alpha", 1)] }));
      const noted = store.putSignals([signal("alpha", 1, 1, 1)], 1);
      await store.close();
      await Promise.all([committed, noted]);
      store = await place.open();
      expect(await store.load()).toMatchObject({ lastSeq: 1, signals: [signal("alpha", 1, 1, 1)] });
    });

    it("has as many events of a clone as its state has versions, whatever was tried", async () => {
      const step = fc.record({
        clone: fc.constantFrom("a", "b", "c"),
        events: fc.integer({ min: 0, max: 3 }),
        // Most tries are right; the others must leave no trace.
        off: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.integer({ min: -2, max: 2 })),
        crash: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.constant(true)),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
          for (const { clone, events, off, crash } of steps) {
            const stored = (await store.load()).states.find(({ name }) => name === clone)?.version ?? 0;
            const batch = batchOf({
              events: Array.from({ length: events }, () => event(clone)),
              states: [stateOf(clone, stored + events + off)],
            });
            const result = await store.commit(batch).then(
              () => "taken",
              () => "refused",
            );
            expect(result).toBe(off === 0 ? "taken" : "refused");
            if (crash) await reopen();
          }
          const { states, lastSeq } = await store.load();
          const all = await store.events({ limit: 100_000 });
          expect(all).toHaveLength(lastSeq);
          for (const { name, version } of states) {
            expect(all.filter(({ clone }) => clone === name)).toHaveLength(version);
          }
          expect(await store.verify()).toMatchObject({ ok: true, events: lastSeq });
        }),
        { numRuns: 15 },
      );
    });
  });
}

/** As it is once it was written down: JSON knows no -0. */
const JSON_VALUE = fc.jsonValue({ maxDepth: 3 }).map(asJson);

function asJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

/** A log that is kept short at its front. */
function failuresUpTo(version: number): CloneState["failures"] {
  const length = version % 50 === 0 ? 0 : Math.min(version % 50, 12);
  return Array.from({ length }, (_, index) => ({
    at: version - length + index,
    reason: `“${version - length + index}”`,
  })) as unknown as CloneState["failures"];
}

async function snapshot(store: Store): Promise<unknown> {
  return { record: await store.load(), events: await store.events({ limit: 1_000 }) };
}
