import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { changeBetween, withChange } from "../../../src/core/record/delta.ts";

const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

/** A value and what became of it: parts of it are kept, as one object or as another that says the same. */
const history = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, 0, -0, 1.5, "", "text", "ünï"),
    fc.array(tie("value"), { maxLength: 6 }),
    fc.dictionary(fc.constantFrom("a", "b", "~", "=", "-", "<", "__proto__", "constructor"), tie("value"), {
      maxKeys: 5,
    }),
  ),
})).value;

describe("a change", () => {
  test("brings what was to what is, by way of its text, and leaves what was as it was", () => {
    fc.assert(
      fc.property(history, history, (before, after) => {
        const was = JSON.stringify(before);
        const change = changeBetween(before, after);
        if (change === null) expect(asJson(before)).toEqual(asJson(after));
        else expect(withChange(asJson(before), asJson(change) as typeof change)).toEqual(asJson(after));
        expect(JSON.stringify(before)).toBe(was);
      }),
      { numRuns: 2_000 },
    );
  });

  test("is null where both say the same, in whatever order and with whatever is undefined", () => {
    expect(changeBetween({ a: 1, b: [{ c: 2 }] }, { b: [{ c: 2 }], a: 1 })).toBeNull();
    expect(changeBetween({ a: 1, b: undefined }, { a: 1 })).toBeNull();
    expect(changeBetween({ a: 1 }, { a: 1, b: undefined })).toBeNull();
    fc.assert(fc.property(history, (value) => changeBetween(value, asJson(value)) === null));
  });

  test.each([
    [{ a: 1, b: 2 }, { a: 1, b: 3 }, { "~": { b: { "=": 3 } } }],
    [{ a: 1, b: 2 }, { a: 1 }, { "-": ["b"] }],
    [{ a: 1 }, { a: undefined, b: 2 }, { "~": { b: { "=": 2 } }, "-": ["a"] }],
    [
      { a: { b: { c: 1, d: 2 } } },
      { a: { b: { c: 1, d: 3 } } },
      { "~": { a: { "~": { b: { "~": { d: { "=": 3 } } } } } } },
    ],
    [[1, 2, 3], [1, 2, 3, 4], { ">": [4] }],
    [[1, 2, 3], [2, 3, 4], { "<": 1, ">": [4] }],
    [[1, 2, 3, 4], [3, 4, 5, 6], { "<": 2, ">": [5, 6] }],
    [[1, 2, 3], [1, 2], { "#": 2 }],
    [[1, 2, 3], [2], { "<": 1, "#": 1 }],
    [[{ a: 1 }, { b: 1 }], [{ a: 1 }, { b: 2 }], { "~": { "1": { "~": { b: { "=": 2 } } } } }],
    [[1, 2], [], { "=": [] }],
    [[], [1], { "=": [1] }],
    [[1], { "0": 1 }, { "=": { "0": 1 } }],
    [null, { a: 1 }, { "=": { a: 1 } }],
    [{ a: 1 }, null, { "=": null }],
  ])("from %j to %j is %j", (before, after, change) => {
    expect(changeBetween(before, after)).toEqual(change);
    expect(withChange(asJson(before), asJson(change) as typeof change)).toEqual(asJson(after));
  });

  test("that was made for something else is refused", () => {
    expect(() => withChange(1, { "~": { a: { "=": 1 } } })).toThrow(/has no inside/);
    expect(() => withChange({ a: 1 }, { "~": { a: { "~": {} } } })).toThrow(/has no inside/);
    expect(() => withChange({}, { "~": { a: { "-": ["b"] } } })).toThrow(/has no inside/);
  });
});
