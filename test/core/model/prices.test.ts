import { describe, expect, test } from "vitest";
import { leastTrusted } from "../../../src/core/clone/spending/budget.ts";
import {
  costMicrosOf,
  NO_TOKENS,
  type Prices,
  TOKENS_MAX,
  type Tokens,
} from "../../../src/core/model/prices.ts";

const PRICES: Prices = {
  small: { input: 250_000, output: 2_000_000, cacheRead: 25_000, cacheWrite: 250_000 },
  free: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
};

describe("what tokens cost, in whole micros", () => {
  test.each<[string, string, Partial<Tokens>, number | null]>([
    ["each kind has its price", "small", { input: 4_000_000, output: 1_000_000, cacheRead: 40 }, 3_000_001],
    ["less than a micro is not nothing", "small", { input: 1 }, 1],
    ["nothing used is nothing", "small", {}, 0],
    ["free is known to be nothing", "free", { output: 9_000_000 }, 0],
    ["a model without a price is unknown, and never nothing", "large", { input: 1 }, null],
    ["what every object has is no price", "constructor", { input: 1 }, null],
    ["beyond what a number holds exactly", "small", { output: TOKENS_MAX, input: 3 }, 2_000_000_000_001],
  ])("%s", (_, model, tokens, micros) => {
    expect(costMicrosOf(model, { ...NO_TOKENS, ...tokens }, PRICES)).toBe(micros);
  });
});

test.each([
  ["none", "reported", "reported"],
  ["none", "derived", "derived"],
  ["reported", "derived", "derived"],
  ["derived", "reported", "derived"],
  ["metered", "reported", "reported"],
  ["derived", "metered", "derived"],
] as const)("a sum of what is %s and what is %s is %s", (known, said, trust) => {
  expect(leastTrusted(known, said)).toBe(trust);
});
