import { describe, expect, test } from "vitest";
import { NO_TOKENS, type Tokens } from "../../../src/core/model/prices.ts";
import { LLM_CALLS_MAX, type UsageReport } from "../../../src/shim/agents/agent.ts";
import { parseAgentLine } from "../../../src/shim/agents/agent-line.ts";
import { createUsage } from "../../../src/shim/metering/usage.ts";

function said(...lines: readonly Partial<UsageReport>[]): [number | null, number | null] {
  const usage = createUsage();
  for (const line of lines)
    usage.take({ llmCalls: null, costUsd: null, semantics: "cumulative", source: "agent", ...line });
  return [usage.llmCalls(), usage.costUsd()];
}

describe("usage of an instance", () => {
  test.each<[string, Partial<UsageReport>[], [number | null, number | null]]>([
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

describe("tokens", () => {
  const prices = { m: { input: 1_000_000, output: 2_000_000, cacheRead: 100_000, cacheWrite: 1_000_000 } };
  const tokens = (model: string, change: Partial<Tokens>): ReadonlyMap<string, Tokens> =>
    new Map([[model, { ...NO_TOKENS, ...change }]]);

  function derived(...lines: readonly Partial<UsageReport>[]): [number | null, boolean, string[]] {
    const unpriced: string[] = [];
    const usage = createUsage({ prices, onUnpriced: (model) => unpriced.push(model) });
    for (const line of lines)
      usage.take({ llmCalls: null, costUsd: null, semantics: "cumulative", source: "agent", ...line });
    return [usage.costUsd(), usage.trust() === "derived", unpriced];
  }

  test.each<[string, Partial<UsageReport>[], [number | null, boolean, string[]]]>([
    ["have their price", [{ tokens: tokens("m", { input: 500_000, output: 250_000 }) }], [1, true, []]],
    [
      "are totals, of which none falls",
      [{ tokens: tokens("m", { input: 2_000_000 }) }, { tokens: tokens("m", { input: 1_000_000 }) }],
      [2, true, []],
    ],
    [
      "or are added up",
      [
        { tokens: tokens("m", { input: 1 }), semantics: "delta" },
        { tokens: tokens("m", { input: 1 }), semantics: "delta" },
      ],
      [0.000002, true, []],
    ],
    [
      "of a model without a price are unknown, which is said once",
      [{ tokens: tokens("x", { input: 5 }) }, { tokens: tokens("x", { input: 6 }) }],
      [null, false, ["x"]],
    ],
    [
      "of a model without a price hide nothing of another's",
      [{ tokens: tokens("x", { input: 5 }) }, { tokens: tokens("m", { input: 1_000_000 }) }],
      [1, true, ["x"]],
    ],
    [
      "cost nothing more where the source says what it costs",
      [{ costUsd: 0.5, tokens: tokens("m", { input: 9_000_000 }) }],
      [0.5, false, []],
    ],
    [
      "that were priced are not taken back by a word that is less",
      [{ tokens: tokens("m", { input: 2_000_000 }) }, { costUsd: 0.5 }, { costUsd: 3 }],
      [3, true, []],
    ],
    [
      "are added to what others say",
      [{ tokens: tokens("m", { input: 1_000_000 }) }, { costUsd: 2, source: "scout" }],
      [3, true, []],
    ],
  ])("%s", (_, lines, expected) => expect(derived(...lines)).toEqual(expected));

  test("are read from a line when they are numbers of a model's name", () => {
    const of = (value: object): UsageReport["tokens"] => {
      const line = parseAgentLine(JSON.stringify({ type: "usage", tokens: value }));
      return line?.type === "usage" ? line.tokens : undefined;
    };
    expect(of({ m: { input: 3.9, output: 1, cache_read: 2 } })).toEqual(
      new Map([["m", { input: 3, output: 1, cacheRead: 2, cacheWrite: 0 }]]),
    );
    expect(of({ m: { input: -1 }, "": { input: 1 }, "no name": { input: 1 }, n: 5 })).toEqual(new Map());
    expect(of({ m: { input: 1e300 } })).toEqual(new Map());
  });
});

describe("who counted, and how far that can be trusted", () => {
  const report = (change: Partial<UsageReport>): UsageReport => ({
    llmCalls: null,
    costUsd: null,
    semantics: "cumulative",
    source: "agent",
    ...change,
  });
  const prices = { "model-a": { input: 1_000_000, output: 0, cacheRead: 0, cacheWrite: 0 } };
  const tokens = new Map([["model-a", { input: 10, output: 0, cacheRead: 0, cacheWrite: 0 }]]);

  test.each<[string, UsageReport[], [string, string | null]]>([
    ["nobody", [], ["none", null]],
    ["somebody who says no number", [report({})], ["none", null]],
    ["an agent", [report({ llmCalls: 1 })], ["reported", "agent"]],
    [
      "a gateway of ours",
      [report({ llmCalls: 1, source: "gateway", trust: "metered" })],
      ["metered", "gateway"],
    ],
    [
      "both",
      [
        report({ llmCalls: 1, source: "gateway", trust: "metered" }),
        report({ costUsd: 1, source: "helper" }),
      ],
      ["reported", "gateway, helper"],
    ],
    [
      "one who counts for us once and says it himself the next time",
      [report({ llmCalls: 1, trust: "metered" }), report({ llmCalls: 2 })],
      ["reported", "agent"],
    ],
    [
      "tokens beside numbers that were metered",
      [report({ llmCalls: 1, source: "gateway", trust: "metered" }), report({ tokens, source: "helper" })],
      ["derived", "gateway, helper"],
    ],
  ])("%s", (_, said, expected) => {
    const usage = createUsage({ prices });
    for (const one of said) usage.take(one);
    expect([usage.trust(), usage.source()]).toEqual(expected);
  });

  test("its names are cut where they would not be taken", () => {
    const usage = createUsage();
    for (let n = 0; n < 30; n += 1) usage.take(report({ llmCalls: 1, source: `${n}`.padStart(100, "x") }));
    expect(usage.source()?.length).toBe(200);
  });
});
