import { sha256Hex } from "./digest.ts";

/** A number in [0, 1) that depends on the text alone: jitter without dice, so that a replay decides the same. */
export function fractionOf(text: string): number {
  return Number.parseInt(sha256Hex(text).slice(0, 12), 16) / 2 ** 48;
}
