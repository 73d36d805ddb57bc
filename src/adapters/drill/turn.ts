import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { FactoryError } from "../../core/model/error.ts";
import type { Clock } from "../../ports/clock.ts";

/** Longer than one drill may take at its worst. */
const TURN_MS = 150_000;
const LOOK_MS = 200;

/**
 * Waits until nobody else drills in this folder, and keeps the others waiting until the answer is called. Rests on a
 * lock of the kernel: whoever dies lets go of it.
 */
export async function takeTurn(directory: string, clock: Clock, signal: AbortSignal): Promise<() => void> {
  for (let waitedMs = 0; waitedMs < TURN_MS; waitedMs += LOOK_MS) {
    const lock = new DatabaseSync(join(directory, "turn.lock"), { timeout: 0 });
    try {
      lock.exec("BEGIN EXCLUSIVE");
      return () => lock.close();
    } catch {
      lock.close();
    }
    await clock.sleep(LOOK_MS, signal);
  }
  throw new FactoryError("drill/busy", "retry", `others drilled here for more than ${TURN_MS / 1_000} s`);
}
