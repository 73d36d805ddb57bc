import { expect, test } from "vitest";
import { BOOK_RESULTS_MAX, type DrillResult, keptDrills } from "../../../../src/core/model/drill.ts";

const result = (target: string, minute: number, passed: boolean): DrillResult => ({
  at: new Date(minute * 60_000).toISOString(),
  target,
  enter: "term",
  passed,
  deathMs: null,
  containment: null,
  rung: null,
  evidence: "",
});

test("proofs on others do not push out a failure that nothing has disproved", () => {
  const failed = result("audit", 0, false);
  const others = Array.from({ length: 2 * BOOK_RESULTS_MAX }, (_, n) => result("bench", n + 1, true));
  expect(keptDrills([failed, ...others])).toEqual([failed, ...others.slice(-BOOK_RESULTS_MAX)]);
  const proven = result("audit", 500, true);
  expect(keptDrills([failed, ...others, proven])).toEqual([...others, proven].slice(-BOOK_RESULTS_MAX));
});
