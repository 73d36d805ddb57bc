import { describe, expect, it } from "vitest";
import { leaseContract } from "../../contract/lease.ts";
import { storeContract } from "../../contract/store.ts";
import { batchOf, event, signal, stateOf } from "../record.ts";
import { createMemoryStore, type MemoryStore } from "./store.ts";

for (const freezes of [false, true])
  storeContract(freezes ? "memory that freezes" : "memory", async () => {
    let newest: MemoryStore | null = null;
    return {
      async open() {
        newest = newest ? newest.reopen() : createMemoryStore({ freezes });
        return newest;
      },
      beside: async () => (newest ?? createMemoryStore()).share(),
      async crash() {},
      async remove() {},
    };
  });

leaseContract("memory", async () => {
  const store = createMemoryStore();
  return { lease: store.lease, reopen: async () => store.reopen().lease, remove: async () => {} };
});

describe("a memory store", () => {
  const first = batchOf({ events: [event("alpha")], states: [stateOf("alpha", 1)] });

  it("can lose a commit before it took effect", async () => {
    const store = createMemoryStore();
    store.failNextCommit("before");
    await expect(store.commit(first)).rejects.toMatchObject({ code: "store/io", disposition: "retry" });
    expect((await store.load()).lastSeq).toBe(0);
    await store.commit(first);
    expect((await store.load()).lastSeq).toBe(1);
  });

  it("can lose the answer of a commit that took effect", async () => {
    const store = createMemoryStore();
    store.failNextCommit("after");
    await expect(store.commit(first)).rejects.toMatchObject({ code: "store/io" });
    expect((await store.load()).lastSeq).toBe(1);
    await expect(store.commit(first)).rejects.toMatchObject({ code: "store/conflict" });
  });

  it("may be shared, until somebody has it alone again", async () => {
    const store = createMemoryStore();
    const other = store.share();
    await store.commit(first);
    expect((await other.load()).lastSeq).toBe(1);
    const next = other.reopen();
    for (const one of [store, other])
      await expect(one.load()).rejects.toMatchObject({ code: "store/closed" });
    expect((await next.load()).lastSeq).toBe(1);
  });

  it("belongs to the one who reopened it last", async () => {
    const store = createMemoryStore();
    await store.commit(first);
    const next = store.reopen();
    await expect(store.load()).rejects.toMatchObject({ code: "store/closed" });
    expect((await next.load()).states).toEqual([stateOf("alpha", 1)]);
  });

  it("that freezes refuses whoever changes what was written or read", async () => {
    const store = createMemoryStore({ freezes: true });
    const state = stateOf("alpha", 1);
    const told = signal("alpha", 1, 1, 1);
    await store.commit(batchOf({ events: [event("alpha")], states: [state] }));
    await store.putSignals([told], 1);
    const { states, signals } = await store.load();
    const read = await store.events({ limit: 1 });
    for (const kept of [state, states[0], told.heartbeat, signals[0]?.heartbeat, read[0]?.event])
      expect(() => Object.assign(kept ?? {}, { changed: true })).toThrow(TypeError);
    expect(await store.events({ limit: 1 })).toEqual(read);
    expect(read[0]?.event).toEqual(event("alpha").event);
    expect(await store.reopen().load()).toMatchObject({ states: [state], signals: [told] });
  });
});
