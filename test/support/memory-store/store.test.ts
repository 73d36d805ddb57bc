import { describe, expect, it } from "vitest";
import { storeContract } from "../../contract/store.ts";
import { batchOf, event, stateOf } from "../record.ts";
import { createMemoryStore, type MemoryStore } from "./store.ts";

storeContract("memory", async () => {
  let newest: MemoryStore | null = null;
  return {
    async open() {
      newest = newest ? newest.reopen() : createMemoryStore();
      return newest;
    },
    async crash() {},
    async remove() {},
  };
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

  it("belongs to the one who reopened it last", async () => {
    const store = createMemoryStore();
    await store.commit(first);
    const next = store.reopen();
    await expect(store.load()).rejects.toMatchObject({ code: "store/closed" });
    expect((await next.load()).states).toEqual([stateOf("alpha", 1)]);
  });
});
