/** What is fuzzed: a part that really runs, inputs for it, and what must hold of each. */
import type fc from "fast-check";

export interface Target<Input = unknown> {
  readonly inputs: fc.Arbitrary<Input>;
  /** Rejects when the part did not answer within its time, said that something went wrong inside of it, or is gone. */
  feed(input: Input): Promise<void>;
  /** A request that is known to be good works, the record verifies; what inputs have ended by rights is started anew. Rejects where not. */
  sane(): Promise<void>;
  /** Bytes that it holds, after a collection of garbage. */
  memory(): Promise<number>;
  /** As it is kept for whoever looks at a failure. */
  show(input: Input): string;
  close(): Promise<void>;
}

/** No input may keep anybody busy for longer, on a machine that is busy itself. */
export const ANSWER_MS = 10_000;
/** By which a part may grow between its first inputs and its last ones: buffers of connections and caches with a bound, but nothing per input. */
export const GROWTH_BYTES_MAX = 96 * 1024 * 1024;

export function within<T>(work: Promise<T>, what: string, ms = ANSWER_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: no answer within ${ms} ms`)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
