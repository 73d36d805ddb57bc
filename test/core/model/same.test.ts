import { describe, expect, test } from "vitest";
import { firstDifference, sameValue } from "../../../src/core/model/same.ts";

describe("two values", () => {
  test.each<[unknown, unknown, boolean]>([
    [1, 1, true],
    [1, "1", false],
    [Number.NaN, Number.NaN, true],
    [null, null, true],
    [null, undefined, false],
    [null, {}, false],
    [{}, null, false],
    [{}, "text", false],
    ["text", {}, false],
    [{ length: 0 }, "", false],
    [[], [], true],
    [[1, 2], [1, 2], true],
    [[1, 2], [2, 1], false],
    [[1, 2], [1], false],
    [[1], [1, 2], false],
    [[1], [1, undefined], false],
    [[], {}, false],
    [{}, [], false],
    [[1], { 0: 1 }, false],
    [{ 0: 1 }, [1], false],
    [{ 0: 1, length: 1 }, [1], false],
    [[1], { 0: 1, length: 1 }, false],
    [{ a: 1, b: 2 }, { b: 2, a: 1 }, true],
    [{ a: 1 }, { a: 1, b: 2 }, false],
    [{ a: 1, b: 2 }, { a: 1 }, false],
    [{ a: 1 }, { a: 1, b: undefined }, true],
    [{ a: 1, b: undefined }, { a: 1 }, true],
    [{ a: 1 }, { a: 1, b: null }, false],
    [{ a: { b: [1, { c: 2 }] } }, { a: { b: [1, { c: 2 }] } }, true],
    [{ a: { b: [1, { c: 2 }] } }, { a: { b: [1, { c: 3 }] } }, false],
  ])("%j and %j say the same: %s", (one, other, same) => {
    expect(sameValue(one, other)).toBe(same);
    expect(firstDifference(one, other) === null).toBe(same);
  });
});

describe("the first place at which they differ", () => {
  test.each<[unknown, unknown, string | null]>([
    [{ a: 1 }, { a: 1 }, null],
    [1, 2, ""],
    [{ a: 1 }, null, ""],
    [null, { a: 1 }, ""],
    [7, { a: 1 }, ""],
    [{ a: 1 }, 7, ""],
    ["text", ["t"], ""],
    [{ a: 1, b: { c: { d: 1 } } }, { a: 1, b: { c: { d: 2 } } }, "b.c.d"],
    [{ a: 1 }, { a: 1, b: 2 }, "b"],
    [{ a: { x: 1 }, b: 1 }, { a: {}, b: 2 }, "a.x"],
    [{ list: [1, { a: 1 }] }, { list: [1, { a: 2 }] }, "list.1.a"],
    [[], {}, ""],
  ])("%j, %j: %s", (one, other, path) => expect(firstDifference(one, other)).toBe(path));
});
