/** Dice from a seed: the same seed injects the same faults at the same moments. */
export interface Dice {
  /** Uniform in [0, 1). */
  fraction(): number;
  between(min: number, max: number): number;
  pick<T>(items: readonly T[]): T;
}

export function createDice(seed: number): Dice {
  let state = seed >>> 0;
  // mulberry32
  function fraction(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  return {
    fraction,
    between: (min, max) => min + (max - min) * fraction(),
    pick<T>(items: readonly T[]): T {
      const item = items[Math.floor(fraction() * items.length)];
      if (item === undefined) throw new RangeError("nothing to pick from");
      return item;
    },
  };
}
