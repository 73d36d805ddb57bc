/** What an instance has used, added up over everybody who counts for it. */
import { type MeterTrust, USAGE_SOURCE_CHARS_MAX } from "../../core/model/mission.ts";
import {
  costMicrosOf,
  KINDS,
  NO_TOKENS,
  type Prices,
  TOKENS_MAX,
  type Tokens,
} from "../../core/model/prices.ts";
import { COST_USD_MAX, LLM_CALLS_MAX, type UsageReport } from "../agents/agent.ts";

export interface UsageTotals {
  /** Answers whether a total rose. */
  take(line: UsageReport): boolean;
  /** Null: nobody said. */
  llmCalls(): number | null;
  costUsd(): number | null;
  /** As far as the least trusted source: one whose cost follows from tokens and prices is `derived`. */
  trust(): MeterTrust;
  /** Names of those who counted, in the order in which they were first heard of; null: nothing was counted. */
  source(): string | null;
}

/** An agent and its subagents; whoever is beyond counts with the first of them that is. */
const SOURCES_MAX = 32;
/** Models of one source. */
const MODELS_MAX = 32;
const REST = "(others)";

interface Source {
  llmCalls: number | null;
  /** As it says itself. From then on its tokens are not priced. */
  costUsd: number | null;
  /** What its tokens cost until then: a word later does not make it less. */
  derivedMicros: number | null;
  readonly tokens: Map<string, Tokens>;
  /** Every number of it was counted by us. */
  metered: boolean;
}

/**
 * Each source has a total of its own: a smaller total than before is a mistake and
 * changes nothing, and what one says never hides what another did. Of those beyond the limit only what
 * they add is known, so of their totals the highest counts.
 *
 * The cost of a source that says only its tokens is derived from them. The prices are those of the launch,
 * so that no change of prices changes what was used. A model without a price is unknown, and said to be so once.
 */
export function createUsage(
  options: { readonly prices?: Prices | undefined; readonly onUnpriced?: (model: string) => void } = {},
): UsageTotals {
  const { prices = {} } = options;
  const sources = new Map<string, Source>();
  const unpriced = new Set<string>();

  function sumCalls(): number | null {
    return [...sources.values()].reduce((sum, { llmCalls }) => add(sum, llmCalls), null as number | null);
  }

  function sumCost(): number | null {
    return [...sources.values()].reduce((sum, source) => add(sum, costOf(source)), null as number | null);
  }

  function price(source: Source): void {
    if (source.costUsd !== null) return;
    for (const [model, tokens] of source.tokens) {
      if (costMicrosOf(model, tokens, prices) !== null || unpriced.has(model)) continue;
      if (unpriced.size >= SOURCES_MAX * MODELS_MAX) continue;
      unpriced.add(model);
      options.onUnpriced?.(model);
    }
    const micros = [...source.tokens].reduce(
      (sum, [model, tokens]) => add(sum, costMicrosOf(model, tokens, prices)),
      null as number | null,
    );
    source.derivedMicros = atMost(micros, COST_USD_MAX * 1_000_000);
  }

  return {
    take({ llmCalls, costUsd, tokens, semantics, source, trust }) {
      const [callsBefore, costBefore] = [sumCalls(), sumCost()];
      const name = sources.has(source) || sources.size < SOURCES_MAX ? source : REST;
      const own = sources.get(name) ?? {
        llmCalls: null,
        costUsd: null,
        derivedMicros: null,
        tokens: new Map<string, Tokens>(),
        metered: true,
      };
      own.metered &&= trust === "metered";
      sources.set(name, own);
      const next = semantics === "delta" ? add : rise;
      own.llmCalls = atMost(next(own.llmCalls, llmCalls), LLM_CALLS_MAX);
      own.costUsd = atMost(next(own.costUsd, costUsd), COST_USD_MAX);
      for (const [model, said] of tokens ?? []) {
        if (!own.tokens.has(model) && own.tokens.size >= MODELS_MAX) continue;
        own.tokens.set(model, merge(own.tokens.get(model) ?? NO_TOKENS, said, next));
      }
      price(own);
      return (sumCalls() ?? 0) > (callsBefore ?? 0) || (sumCost() ?? 0) > (costBefore ?? 0);
    },
    llmCalls: sumCalls,
    // Without the dust of adding fractions: a millionth of a dollar is the smallest that is counted.
    costUsd() {
      const total = sumCost();
      return total === null ? null : Math.round(total * 1_000_000) / 1_000_000;
    },
    trust() {
      const counting = [...sources.values()].filter(counts);
      if (counting.length === 0) return "none";
      if (counting.some(({ derivedMicros }) => derivedMicros !== null)) return "derived";
      return counting.every(({ metered }) => metered) ? "metered" : "reported";
    },
    source() {
      const names = [...sources].filter(([, source]) => counts(source)).map(([name]) => name);
      return names.length === 0 ? null : names.join(", ").slice(0, USAGE_SOURCE_CHARS_MAX);
    },
  };
}

function counts(source: Source): boolean {
  return source.llmCalls !== null || costOf(source) !== null;
}

function costOf({ costUsd, derivedMicros }: Source): number | null {
  return rise(costUsd, derivedMicros === null ? null : derivedMicros / 1_000_000);
}

function merge(known: Tokens, said: Tokens, next: typeof add): Tokens {
  const of = (kind: keyof Tokens): number => Math.min(next(known[kind], said[kind]) ?? 0, TOKENS_MAX);
  const [input, output, cacheRead, cacheWrite] = KINDS.map(of) as [number, number, number, number];
  return { input, output, cacheRead, cacheWrite };
}

/** Unknown stays unknown until it is said. */
function rise(known: number | null, said: number | null): number | null {
  if (said === null) return known;
  return known === null ? said : Math.max(known, said);
}

function add(known: number | null, said: number | null): number | null {
  return said === null ? known : (known ?? 0) + said;
}

/** Deltas add up to no more than a total may be: what is sent must be a number that is taken. */
function atMost(value: number | null, max: number): number | null {
  return value === null ? null : Math.min(value, max);
}
