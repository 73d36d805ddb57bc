/** What an instance has used, added up over everybody who counts for it. */
import { COST_USD_MAX, LLM_CALLS_MAX, type UsageLine } from "./agent-line.ts";

export interface UsageTotals {
  /** Answers whether a total rose. */
  take(line: UsageLine): boolean;
  /** Null: nobody said. */
  llmCalls(): number | null;
  costUsd(): number | null;
}

/** An agent and its subagents; whoever is beyond counts with the first of them that is. */
const SOURCES_MAX = 32;
const REST = "(others)";

/**
 * Each source has a total of its own: a smaller total than before is a mistake and
 * changes nothing, and what one says never hides what another did. Of those beyond the limit only what
 * they add is known, so of their totals the highest counts.
 */
export function createUsage(): UsageTotals {
  const sources = new Map<string, { llmCalls: number | null; costUsd: number | null }>();

  function sum(field: "llmCalls" | "costUsd"): number | null {
    let total: number | null = null;
    for (const source of sources.values()) {
      const own = source[field];
      if (own !== null) total = (total ?? 0) + own;
    }
    return total;
  }

  return {
    take({ llmCalls, costUsd, semantics, source }) {
      const [callsBefore, costBefore] = [sum("llmCalls"), sum("costUsd")];
      const name = sources.has(source) || sources.size < SOURCES_MAX ? source : REST;
      const own = sources.get(name) ?? { llmCalls: null, costUsd: null };
      const next = semantics === "delta" ? add : rise;
      sources.set(name, {
        llmCalls: atMost(next(own.llmCalls, llmCalls), LLM_CALLS_MAX),
        costUsd: atMost(next(own.costUsd, costUsd), COST_USD_MAX),
      });
      return (sum("llmCalls") ?? 0) > (callsBefore ?? 0) || (sum("costUsd") ?? 0) > (costBefore ?? 0);
    },
    llmCalls: () => sum("llmCalls"),
    // Without the dust of adding fractions: a millionth of a dollar is the smallest that is counted.
    costUsd() {
      const total = sum("costUsd");
      return total === null ? null : Math.round(total * 1_000_000) / 1_000_000;
    },
  };
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
