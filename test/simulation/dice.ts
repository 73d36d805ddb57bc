/** Dice that are thrown once, by the seed: the same seed rolls the same numbers in the same order, on every machine. */
export interface Dice {
  /** Uniform in [0, 1). */
  fraction(): number;
  /** An integer from `low` to `high`, both included. */
  between(low: number, high: number): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
  /** The same items in an order of its own. */
  shuffled<T>(items: readonly T[]): T[];
  /** A stream of its own, so that one part of the world that rolls more often does not disturb another. */
  fork(name: string): Dice;
  /** `count` lower-case hex digits. */
  hex(count: number): string;
}

export function createDice(seed: string): Dice {
  const next = sfc32(...fourWords(seed));
  const dice: Dice = {
    fraction: next,
    between: (low, high) => low + Math.floor(next() * (high - low + 1)),
    chance: (probability) => next() < probability,
    pick(items) {
      const item = items[Math.floor(next() * items.length)];
      if (item === undefined) throw new RangeError("nothing to pick from");
      return item;
    },
    shuffled(items) {
      const left = [...items];
      const drawn: typeof left = [];
      while (left.length > 0) drawn.push(...left.splice(Math.floor(next() * left.length), 1));
      return drawn;
    },
    fork: (name) => createDice(`${seed}/${name}`),
    hex: (count) => Array.from({ length: count }, () => Math.floor(next() * 16).toString(16)).join(""),
  };
  return dice;
}

/** FNV-1a with four starting points: enough to spread seeds that differ in one digit. */
function fourWords(text: string): [number, number, number, number] {
  const words = [0x811c9dc5, 0x01000193, 0x9e3779b9, 0x85ebca6b];
  for (let index = 0; index < text.length; index++) {
    for (let word = 0; word < words.length; word++) {
      words[word] = Math.imul((words[word] ?? 0) ^ (text.charCodeAt(index) + word * 131), 0x01000193) >>> 0;
    }
  }
  const [a = 0, b = 0, c = 0, d = 0] = words;
  return [a, b, c, d];
}

/** Small fast counter generator (Chris Doty-Humphrey, PractRand): 128 bits of state, no known bias that matters here. */
function sfc32(a0: number, b0: number, c0: number, d0: number): () => number {
  let a = a0;
  let b = b0;
  let c = c0;
  let counter = d0;
  const roll = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let warm = 0; warm < 12; warm++) roll();
  return roll;
}
