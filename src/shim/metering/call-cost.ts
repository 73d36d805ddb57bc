/** What one model call has used, and what that costs. With the list of prices, of half a megabyte: only a gateway loads it. */
import { calcPrice, extractUsage, findProvider } from "@pydantic/genai-prices";
import {
  costMicrosOf,
  MODEL_NAME_CHARS_MAX,
  MODEL_NAME_PATTERN,
  type Prices,
  type Tokens,
} from "../../core/model/prices.ts";
import type { UsageReport } from "../agents/agent.ts";
import { BARE_CALL } from "./bare-call.ts";
import type { ModelApi } from "./model-api.ts";

/**
 * One call, by what its answer says. Prices are those of `fleet.yaml`, and where it has none those of the pinned list of
 * `@pydantic/genai-prices`; a model that neither knows has a cost that nobody knows.
 */
export function usageOfCall(
  answer: Readonly<Record<string, unknown>> | null,
  { api, path, prices }: { readonly api: ModelApi; readonly path: string; readonly prices: Prices },
): UsageReport {
  const provider = findProvider({ providerId: api.provider });
  if (answer === null || provider === undefined) return BARE_CALL;
  let found: ReturnType<typeof extractUsage>;
  try {
    found = extractUsage(provider, answer, api.flavorOf(path));
  } catch {
    return BARE_CALL; // An error, or a form that is not known: nothing that says what was used.
  }
  const model = modelName(found.model);
  const tokens = tokensOf(found.usage);
  if (model === null || tokens === null) return BARE_CALL;
  const micros = costMicrosOf(model, tokens, prices);
  if (micros !== null) return { ...BARE_CALL, costUsd: micros / 1_000_000 };
  const listed = calcPrice(found.usage, model, { providerId: api.provider });
  return listed === null
    ? { ...BARE_CALL, tokens: new Map([[model, tokens]]) }
    : { ...BARE_CALL, costUsd: Math.ceil(listed.total_price * 1_000_000) / 1_000_000 };
}

/** The list counts what was read from a cache and written to it among the input. */
function tokensOf(usage: Readonly<Record<string, number | undefined>>): Tokens | null {
  const of = (kind: string): number => Math.max(0, Math.round(usage[kind] ?? 0));
  if (usage["input_tokens"] === undefined && usage["output_tokens"] === undefined) return null;
  const [cacheRead, cacheWrite] = [of("cache_read_tokens"), of("cache_write_tokens")];
  return {
    input: Math.max(0, of("input_tokens") - cacheRead - cacheWrite),
    output: of("output_tokens"),
    cacheRead,
    cacheWrite,
  };
}

function modelName(name: string | null): string | null {
  if (name === null) return null;
  const cut = name.slice(0, MODEL_NAME_CHARS_MAX);
  return MODEL_NAME_PATTERN.test(cut) ? cut : null;
}
