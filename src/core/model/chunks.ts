/**
 * Cuts a sorted list into groups that stay the same when items come and go: where a group ends is said by the key of its
 * last item and not by its place, so a new item changes the group that it falls into and, at most, its neighbours. A list that is cut
 * by counting has every group after the new item changed.
 */
export interface ChunkLimits {
  /** No group but the last is smaller, so there are at most `items / itemsMin + 1` of them. */
  readonly itemsMin: number;
  /** What groups have on average. */
  readonly itemsMean: number;
  readonly itemsMax: number;
}

/** In the order of the items; none is empty. */
export function chunksOf<T>(
  items: Iterable<T>,
  keyOf: (item: T) => string,
  { itemsMin, itemsMean, itemsMax }: ChunkLimits,
): readonly (readonly T[])[] {
  const chunks: T[][] = [];
  let chunk: T[] = [];
  for (const item of items) {
    chunk.push(item);
    const ends = chunk.length >= itemsMin && isLast(keyOf(item), Math.max(1, itemsMean - itemsMin));
    if (!ends && chunk.length < itemsMax) continue;
    chunks.push(chunk);
    chunk = [];
  }
  if (chunk.length > 0) chunks.push(chunk);
  return chunks;
}

/** True for one in so many keys, and always for the same ones. */
function isLast(key: string, oneIn: number): boolean {
  // FNV-1a, 32 bits: no secret hangs on it.
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index += 1)
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  // Its low bits are the weakest.
  return (hash >>> 8) % oneIn === 0;
}
