/** Waits for a state of the world. The deadline is for a world that will never get there. */
const DEADLINE_MS = 30_000;

export async function until<T>(
  look: () => T | Promise<T>,
  what = "the expected state",
): Promise<NonNullable<T>> {
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    const found = await look();
    if (found) return found as NonNullable<T>;
    if (performance.now() > deadline) throw new Error(`${what} was not reached within ${DEADLINE_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
