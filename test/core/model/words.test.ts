/** Small functions over the words of the model. */
import { describe, expect, test } from "vitest";
import { canonicalJson } from "../../../src/core/model/digest.ts";
import { type DrillResult, newestDrills } from "../../../src/core/model/drill.ts";
import { asFactoryError, assertNever, FactoryError } from "../../../src/core/model/error.ts";
import { samenessOf } from "../../../src/core/model/sameness.ts";

const nested = (depth: number): unknown => (depth === 0 ? 1 : { a: nested(depth - 1) });

describe("canonical JSON", () => {
  test.each<[string, unknown]>([
    ["not a number", Number.NaN],
    ["a function", () => 1],
    ["undefined", undefined],
    ["nested beyond all reason", nested(300)],
  ])("of %s is an error and no text", (_, value) => expect(() => canonicalJson(value)).toThrow(TypeError));

  test("of a deep value is its text", () => {
    expect(canonicalJson(nested(150))).toHaveLength(150 * 6 + 1);
  });
});

describe("errors", () => {
  test("one of ours stays what it is", () => {
    const ours = new FactoryError("git/push-rejected", "retry", "it was rejected");
    expect(asFactoryError(ours)).toBe(ours);
    expect(ours.name).toBe("FactoryError");
  });

  test.each([new Error("out of luck"), "out of luck"])("any other is worth one more try", (thrown) => {
    const made = asFactoryError(thrown);
    expect(made).toBeInstanceOf(FactoryError);
    expect(made).toMatchObject({ code: "unexpected", disposition: "retry", message: "out of luck" });
    expect(made.cause).toBe(thrown);
  });

  test("a case that cannot be is our mistake", () => {
    expect(() => assertNever("seventh" as never)).toThrow('"seventh"');
    expect(() => assertNever("seventh" as never)).toThrow(
      expect.objectContaining({ code: "unreachable", disposition: "crash" }),
    );
  });
});

describe("sameness", () => {
  test("is a short key", () => expect(samenessOf({ a: 1 })).toMatch(/^[0-9a-f]{16}$/));

  test.each<[string, unknown, unknown, boolean]>([
    ["a field that names a moment", { a: 1, timestamp: 1 }, { a: 1, timestamp: 2 }, true],
    ["a field that says something", { a: 1, b: 1 }, { a: 1, b: 2 }, false],
    ["nothing and an empty thing", null, {}, false],
    ["a list and what only looks like one", [1], { 0: 1 }, false],
    ["a moment inside a list", [{ timestamp: 1 }], [{ timestamp: 2 }], true],
    ["what lies deep inside of it", { a: nested(18) }, { a: { ...Object(nested(18)), b: 1 } }, false],
    ["what differs only too deep to look", [nested(30), 1], [nested(31), 1], true],
    ["too deep in lists, too", deepList(30, 1), deepList(30, 2), true],
    ["what is left out and a text", { a: deepList(20, 1) }, { a: deepList(20, "") }, true],
  ])("%s", (_, one, other, same) => expect(samenessOf(one) === samenessOf(other)).toBe(same));

  function deepList(depth: number, value: unknown): unknown {
    return depth === 0 ? value : [deepList(depth - 1, value)];
  }

  test.each([
    [19, false],
    [20, true],
  ])("looks twenty levels deep: %i", (depth, same) => {
    expect(samenessOf(deepList(depth, { a: 1 })) === samenessOf(deepList(depth, { a: 2 }))).toBe(same);
  });

  test("of what cannot be said is unlike everything", () => expect(samenessOf(1n)).toBeNull());
});

describe("the newest drill of each target", () => {
  const made = (target: string, at: string, evidence: string): DrillResult => ({
    at,
    target,
    enter: "term",
    passed: true,
    deathMs: 9,
    containment: "group",
    rung: "sigkill",
    evidence,
  });
  const results = [
    made("b", "2026-01-02", "first of b"),
    made("a", "2026-01-03", "newest of a"),
    made("a", "2026-01-02", "told late"),
    made("b", "2026-01-02", "again at that time"),
    made("c", "2026-01-01", "only of c"),
  ];

  test("is the one of the latest time, and of two at one time the one told last", () => {
    expect([...newestDrills(results)].map(([name, { evidence }]) => [name, evidence])).toEqual([
      ["a", "newest of a"],
      ["b", "again at that time"],
      ["c", "only of c"],
    ]);
  });
});
