/** Beyond this many doublings every ceiling in this program is reached, and a power stays far from overflow. */
const DOUBLINGS_MAX = 30;

/**
 * The base doubled `repeats` times, never above the ceiling: the one curve of every wait between two tries.
 * `repeats` 0 is the base itself. Jitter is the caller's: the core computes it from names, the edge rolls dice.
 */
export function doubledMs(baseMs: number, repeats: number, ceilingMs: number): number {
  return Math.min(baseMs * 2 ** Math.min(Math.max(0, repeats), DOUBLINGS_MAX), ceilingMs);
}
