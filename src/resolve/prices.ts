import type { Price } from "../core/model/prices.ts";
import type { FleetDocument } from "../documents/schema/fleet.ts";

/** A price as the core counts it; a cache costs what the rest of the input does, where nothing else is said. */
export function priceOf(declared: FleetDocument["spec"]["prices"][string]): Price {
  const input = micros(declared.input_per_million_usd);
  const { cache_read_per_million_usd: read, cache_write_per_million_usd: write } = declared;
  return {
    input,
    output: micros(declared.output_per_million_usd),
    cacheRead: read === undefined ? input : micros(read),
    cacheWrite: write === undefined ? input : micros(write),
  };
}

function micros(usd: number): number {
  return Math.round(usd * 1_000_000);
}
