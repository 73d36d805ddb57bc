import { describe, expect, test } from "vitest";
import { LLM_CALLS_MAX, type UsageLine } from "../../src/shim/agent-line.ts";
import { createUsage } from "../../src/shim/usage.ts";

function said(...lines: readonly Partial<UsageLine>[]): [number | null, number | null] {
  const usage = createUsage();
  for (const line of lines)
    usage.take({ llmCalls: null, costUsd: null, semantics: "cumulative", source: "agent", ...line });
  return [usage.llmCalls(), usage.costUsd()];
}

describe("usage of an instance", () => {
  test.each<[string, Partial<UsageLine>[], [number | null, number | null]]>([
    ["nobody said is unknown", [], [null, null]],
    ["one meter is said and the other is not", [{ llmCalls: 3 }], [3, null]],
    ["a total replaces the one before it", [{ costUsd: 1 }, { costUsd: 1.5 }], [null, 1.5]],
    ["a total that falls is a mistake", [{ costUsd: 2 }, { costUsd: 1 }], [null, 2]],
    [
      "a delta is added, without the dust of fractions",
      [
        { costUsd: 0.1, semantics: "delta" },
        { costUsd: 0.2, semantics: "delta" },
      ],
      [null, 0.3],
    ],
    [
      "deltas add up to no more than a total may be",
      Array.from({ length: 3 }, () => ({ llmCalls: LLM_CALLS_MAX, semantics: "delta" as const })),
      [LLM_CALLS_MAX, null],
    ],
    [
      "sources count apart and are added up",
      [
        { llmCalls: 5, costUsd: 1 },
        { llmCalls: 2, source: "scout" },
        { llmCalls: 6, costUsd: 1 },
        { llmCalls: 1, semantics: "delta", source: "scout" },
      ],
      [9, 1],
    ],
  ])("%s", (_, lines, totals) => expect(said(...lines)).toEqual(totals));

  test("tells whether a total rose", () => {
    const usage = createUsage();
    const line = { llmCalls: 2, costUsd: null, semantics: "cumulative", source: "agent" } as const;
    expect([usage.take(line), usage.take(line), usage.take({ ...line, llmCalls: 3 })]).toEqual([
      true,
      false,
      true,
    ]);
  });

  test("more sources than anybody has cannot fill the memory", () => {
    const flood = Array.from({ length: 1_000 }, (_, n) => ({ llmCalls: 1, source: `s${n}` }));
    expect(said(...flood)).toEqual([33, null]);
  });
});
