import { type SeenProbe, SUSPECT_PROBE_PART } from "../../core/clone/health/liveness.ts";
import type { CloneState } from "../../core/model/clone-state.ts";
import type { Signal } from "../../core/model/instance.ts";
import type { Instant } from "../../core/model/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Driver } from "../../ports/driver.ts";
import type { Log } from "../../ports/log.ts";

/** Longest time that one look may take; a driver that hangs must not keep others from being looked at. */
const PROBE_MS_MAX = 5_000;
/** No suspect is looked at more often, however short its interval. */
const PROBE_EVERY_MS_MIN = 250;
/** Looks under way at once; a fleet that falls silent together is looked at in turns. */
const PROBES_MAX = 16;

/**
 * Looks at the processes of suspects, four times per interval, beside supervision and never in its way.
 * What is found is an observation like a heartbeat: kept in memory, and lost with us.
 */
export interface Prober {
  /** The newest look at this instance, and the order for the next one if it is time. */
  look(state: CloneState, signal: Signal | undefined, now: Instant): SeenProbe | undefined;
}

export function createProber(parts: {
  readonly drivers: ReadonlyMap<string, Driver>;
  readonly clock: Clock;
  readonly log: Log;
}): Prober {
  const seen = new Map<string, SeenProbe>();
  const askedAt = new Map<string, Instant>();
  let underWay = 0;

  async function ask(state: CloneState): Promise<void> {
    const handle = state.instance?.handle;
    const driver = handle == null ? undefined : parts.drivers.get(handle.driver);
    if (handle == null || driver === undefined) return;
    underWay += 1;
    const limit = new AbortController();
    try {
      const patience = parts.clock.sleep(PROBE_MS_MAX, limit.signal).then(() => null);
      patience.catch(() => {});
      const found = await Promise.race([driver.probe(handle, limit.signal), patience]);
      if (found !== null) seen.set(state.name, { epoch: handle.epoch, at: parts.clock.now(), found });
    } catch (error) {
      // Not to know is no evidence of anything; the clock of the protocol goes on.
      parts.log.debug("a suspect could not be looked at", { clone: state.name, error: String(error) });
    } finally {
      limit.abort();
      underWay -= 1;
    }
  }

  return {
    look(state, signal, now) {
      const { instance } = state;
      const healthy = signal !== undefined && signal.receivedAt > (seen.get(state.name)?.at ?? 0);
      if (instance === null || instance.stopping !== null || instance.health !== "suspect") {
        askedAt.delete(state.name);
        if (instance === null || instance.stopping !== null || healthy) seen.delete(state.name);
        return seen.get(state.name);
      }
      const everyMs = Math.max(PROBE_EVERY_MS_MIN, instance.heartbeatIntervalMs * SUSPECT_PROBE_PART);
      if (Math.abs(now - (askedAt.get(state.name) ?? 0)) >= everyMs && underWay < PROBES_MAX) {
        askedAt.set(state.name, now);
        void ask(state);
      }
      return seen.get(state.name);
    },
  };
}
