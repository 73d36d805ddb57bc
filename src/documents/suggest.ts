// Longer words are not compared: nobody mistypes by that much, and the table is quadratic.
const WORD_CHARS_MAX = 64;

/** The candidate that was most likely meant, or null. At most a third of the letters may differ. */
export function nearest(word: string, candidates: readonly string[]): string | null {
  if (word.length > WORD_CHARS_MAX) return null;
  const wanted = normalise(word);
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of candidates) {
    if (candidate.length > WORD_CHARS_MAX) continue;
    const distance = editDistance(wanted, normalise(candidate));
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  if (best !== null || wanted.length < PART_CHARS_MIN) return best;
  // `duration` for `duration_minutes`: half of the name was remembered.
  const longer = [...candidates].filter((candidate) => normalise(candidate).includes(wanted));
  return longer.length === 1 ? (longer[0] ?? null) : null;
}

// Shorter words are part of too many others.
const PART_CHARS_MIN = 4;

/** camelCase, kebab-case and snake_case of one name are the same word. */
function normalise(word: string): string {
  return word
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .replaceAll("-", "_")
    .toLowerCase();
}

/** Insertions, deletions, replacements and swaps of neighbours. */
function editDistance(left: string, right: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const row = [i];
    for (let j = 1; j <= right.length; j++) {
      const cost = left[i - 1] === right[j - 1] ? 0 : 1;
      let value = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1]) {
        value = Math.min(value, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(value);
    }
    beforeLast = last;
    last = row;
  }
  return last[right.length] ?? 0;
}
