import { randomBytes, randomInt } from "node:crypto";
import type { Random } from "../../ports/random.ts";

const NONCE_BYTES = 16;
/** The widest range that `randomInt` draws from. */
const FRACTION_STEPS = 2 ** 48 - 1;

/** Dice of the operating system; good enough for tokens and nonces. */
export function systemRandom(): Random {
  return {
    nonce: () => randomBytes(NONCE_BYTES).toString("hex"),
    fraction: () => randomInt(FRACTION_STEPS) / FRACTION_STEPS,
  };
}
