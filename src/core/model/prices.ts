/** What tokens cost. */

export interface Tokens {
  /** Not read from a cache. */
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
}

/** In micros of a US dollar per million tokens: whole numbers. */
export interface Price {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
}

export type Prices = Readonly<Record<string, Price>>;

/** As providers write them: `gpt-5.1`, `anthropic/claude-opus-4.5`, `llama3:70b`. */
export const MODEL_NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._:/@+-]*$/;
export const MODEL_NAME_CHARS_MAX = 100;
/** A thousand tokens a millisecond for eleven days; more was not counted by anybody. */
export const TOKENS_MAX = 1_000_000_000_000;

export const NO_TOKENS: Tokens = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };

const PER_MILLION = 1_000_000n;

/** Whole micros, rounded up: less than a micro is not nothing. Null: the model has no price, and nobody knows. */
export function costMicrosOf(model: string, tokens: Tokens, prices: Prices): number | null {
  const price = Object.hasOwn(prices, model) ? prices[model] : undefined;
  if (price === undefined) return null;
  // Tokens times micros do not fit into a number that is exact.
  const product = KINDS.reduce((sum, kind) => sum + BigInt(tokens[kind]) * BigInt(price[kind]), 0n);
  return Number((product + PER_MILLION - 1n) / PER_MILLION);
}

export const KINDS = [
  "input",
  "output",
  "cacheRead",
  "cacheWrite",
] as const satisfies readonly (keyof Tokens)[];
