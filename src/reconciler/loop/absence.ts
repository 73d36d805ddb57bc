import type { Watch } from "../../core/clone/health/liveness.ts";
import { AWAY_MS } from "../../core/clone/limits.ts";
import type { Instant } from "../../core/model/time.ts";
import type { Clock } from "../../ports/clock.ts";

/** Since when this controller hears everybody, and how late it is: what it could not hear is nobody's silence. */
export interface Watching {
  /** A tick begins. `readLagMs`: how late our loop was since it was asked last, as of the lag meter. */
  begin(readLagMs: () => number): void;
  /**
   * The time, and what may be held against others at that time. To be asked anew for every question: while one
   * waits for its turn at the record, the clock may be set, or we may stand still.
   */
  look(): { readonly now: Instant; readonly watch: Watch };
}

export function createWatching(clock: Clock): Watching {
  let watchingSince = clock.now();
  /** When time was asked last; a clock that says less was put back. */
  let askedAt = watchingSince;
  let lagMs = 0;
  let readLagMs = (): number => 0;

  function look(): { now: Instant; watch: Watch } {
    const latestMs = readLagMs();
    const now = clock.now();
    if (latestMs >= AWAY_MS || now < askedAt) watchingSince = now;
    askedAt = now;
    // Whoever is asked about later in this tick was not heard for as long.
    lagMs = Math.max(lagMs, latestMs);
    return { now, watch: { watchingSince, lagMs } };
  }

  return {
    begin(read) {
      readLagMs = read;
      lagMs = 0;
      look();
    },
    look,
  };
}
