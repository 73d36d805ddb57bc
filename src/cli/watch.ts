import { systemClock } from "../adapters/system/clock.ts";
import { FactoryError } from "../core/model/error.ts";
import { MINUTE_MS, SECOND_MS } from "../core/model/time.ts";

/** Between two looks of a command that goes on. */
export const WATCH_MS = SECOND_MS;
/** A controller that is being restarted is waited for so long. */
const ABSENCE_MAX_MS = MINUTE_MS;

/**
 * Looks again and again until `look` says that it is done, or somebody
 * interrupts. A controller that is away for less than a minute is waited for; its first
 * absence, before anything was seen, rejects at once.
 */
export async function until(everyMs: number, look: () => Promise<boolean>): Promise<void> {
  const clock = systemClock();
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  process.once("SIGINT", interrupt);
  process.once("SIGTERM", interrupt);
  // The clock port's waits keep no process alive.
  const alive = setInterval(() => {}, MINUTE_MS);
  let seenAt: number | null = null;
  try {
    while (!interrupted.signal.aborted) {
      try {
        if (await look()) return;
        seenAt = clock.now();
      } catch (error) {
        const away = error instanceof FactoryError && error.disposition === "retry";
        if (!away || seenAt === null || clock.now() - seenAt > ABSENCE_MAX_MS) throw error;
      }
      await clock.sleep(everyMs, interrupted.signal).catch(() => {});
    }
  } finally {
    clearInterval(alive);
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  }
}
