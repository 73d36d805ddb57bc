import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { INVARIANTS } from "./check/invariants.ts";
import { MUTANTS } from "./mutants/list.ts";
import { pathOf } from "./mutants/mutant.ts";

// Planting them all takes minutes (`npm run sim:mutants`); that they still can be planted is seen at once.
test.each(MUTANTS.map((mutant) => [mutant.bug, mutant] as const))("%s: can be planted", (_bug, { edits }) => {
  for (const { file, find } of edits) {
    const source = readFileSync(new URL(`../../${pathOf(file)}`, import.meta.url), "utf8");
    expect(source.split(find).length - 1, `${file} holds it exactly once: ${find}`).toBe(1);
  }
});

test("every invariant has a bug planted for it", () => {
  const planted = new Set(MUTANTS.map((mutant) => mutant.invariant));
  expect(INVARIANTS.map((invariant) => invariant.name).filter((name) => !planted.has(name))).toEqual([]);
});
