import fc from "fast-check";
import { expect, test } from "vitest";
import { chunksOf } from "../../../src/core/model/chunks.ts";

const LIMITS = { itemsMin: 8, itemsMean: 16, itemsMax: 32 };
const cut = (names: readonly string[]) => chunksOf(names, (name) => name, LIMITS);
const numbered = (count: number) => Array.from({ length: count }, (_, index) => `clone-${index}`).sort();

test("all items, in their order, in groups within their bounds", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string(), { maxLength: 500 }), (names) => {
      const chunks = cut(names);
      expect(chunks.flat()).toEqual(names);
      expect(chunks.every(({ length }) => length >= 1 && length <= LIMITS.itemsMax)).toBe(true);
      expect(chunks.slice(0, -1).every(({ length }) => length >= LIMITS.itemsMin)).toBe(true);
    }),
  );
});

test("ten thousand names that differ by a number come to some six hundred groups", () => {
  const { length } = cut(numbered(10_000));
  expect(length).toBeGreaterThan(450);
  expect(length).toBeLessThan(850);
});

test("a name that comes or goes changes few groups, wherever it stands", () => {
  const names = numbered(2_000);
  const before = new Set(cut(names).map((chunk) => chunk.join()));
  let changed = 0;
  for (const gone of names.filter((_, index) => index % 40 === 0)) {
    const after = cut(names.filter((name) => name !== gone));
    changed += after.filter((chunk) => !before.has(chunk.join())).length;
  }
  // By counting, half of 125 groups would change with each.
  expect(changed / 50).toBeLessThan(3);
});
