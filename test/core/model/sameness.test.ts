import { describe, expect, test } from "vitest";
import { gist, gistKey, samenessOf, withoutIds } from "../../../src/core/model/sameness.ts";

describe("one reason is", () => {
  test.each([
    ["no token for the registry", "No token for the registry."],
    ["HTTP 503 after 3 tries", "HTTP 502 after 17 tries"],
    ["request req_01HZXA93KD was refused", "request req_7f3a91bc02 was refused"],
    ["job 6f1d0c9a-b2e8-4f7c-8a35-b1d2e4f60718 waits", "job 00000000-1111-4222-8333-444455556666 waits"],
    ["at 2026-11-23T18:00:27Z the disk was full", "at 2026-11-24 06:12 the disk was full"],
    ["cannot read /tmp/run-8x2/out.txt", "cannot read /tmp/other9/out.txt"],
    ["build 9f86d081884c7d65 is missing", "build 1b4f0e9851971998 is missing"],
    ["took 12 ms", "took 3.5 s"],
    ["commit 2a0f41b17c2f55c9e81ab0c3 is gone", "commit 93bb1e27cf0a5f6de1f00d42 is gone"],
  ])("%s", (one, other) => {
    expect(gistKey(one)).toBe(gistKey(other));
  });

  test("not another one", () => {
    expect(gistKey("no token for the registry")).not.toBe(gistKey("no token for the mirror"));
    expect(gist("A question: which colour?")).toBe("a question: which colour?");
  });
});

describe("one action is", () => {
  test.each([
    [
      { path: "a.txt", request_id: "1" },
      { request_id: "2", path: "a.txt" },
    ],
    [{ log: "/tmp/x1/log" }, { log: "/tmp/y2/log" }],
    [{ nested: [{ timestamp: 1, n: 1 }] }, { nested: [{ timestamp: 2, n: 1 }] }],
    [{ out: "3 tests passed in 12 ms" }, { out: "3 tests passed in 2.5s" }],
    ["started at 12:00:01", "started at 13:37"],
  ])("%j", (one, other) => {
    expect(samenessOf(one)).toBe(samenessOf(other));
  });

  test.each([
    [{ page: 1 }, { page: 2 }],
    [{ path: "chapter-1.md" }, { path: "chapter-2.md" }],
    [{ id: 5 }, { id: 6 }],
    ["3 tests failed", "2 tests failed"],
    [
      ["a", "b"],
      ["b", "a"],
    ],
    [null, "null"],
  ])("not %j and %j: walking through many things is no loop", (one, other) => {
    expect(samenessOf(one)).not.toBe(samenessOf(other));
  });

  test("nothing that cannot be compared, however it is nested", () => {
    const cycle: Record<string, unknown> = { name: "x" };
    cycle["self"] = cycle;
    expect(samenessOf(cycle)).toEqual(expect.any(String));
    expect(samenessOf({ n: Number.NaN })).toBe(null);
  });
});

test("a text of any length is compared in bounded time", () => {
  expect(withoutIds(`${"a1".repeat(50_000)} end`).length).toBeLessThanOrEqual(4_000);
});
