import { graceMs } from "../../core/clone/health/liveness.ts";
import { ARRIVALS_MAX, ARRIVALS_MIN, phiOf } from "../../core/clone/health/suspicion.ts";
import type { InstanceState } from "../../core/model/clone-state.ts";
import type { Instant } from "../../core/model/time.ts";

/** Remembers how regularly heartbeats arrive. In memory: after a restart of ours nothing is usual yet, and the deadlines alone speak. */
export interface Arrivals {
  note(clone: string, epoch: number, at: Instant): void;
  /** φ of the present silence; null while too little is known. */
  suspicion(clone: string, instance: InstanceState, now: Instant): number | null;
}

interface History {
  readonly epoch: number;
  lastAt: Instant;
  /** A ring, with its sums, so that a question costs the same however much is remembered. */
  readonly intervals: number[];
  next: number;
  sum: number;
  squares: number;
}

export function createArrivals(): Arrivals {
  const histories = new Map<string, History>();
  return {
    note(clone, epoch, at) {
      const history = histories.get(clone);
      if (history === undefined || history.epoch !== epoch) {
        histories.set(clone, { epoch, lastAt: at, intervals: [], next: 0, sum: 0, squares: 0 });
        return;
      }
      // A clock that was put back says nothing about the shim.
      if (at > history.lastAt) add(history, at - history.lastAt);
      history.lastAt = at;
    },
    suspicion(clone, instance, now) {
      const history = histories.get(clone);
      if (history === undefined || history.epoch !== instance.epoch) return null;
      const count = history.intervals.length;
      if (count < ARRIVALS_MIN) return null;
      const mean = history.sum / count;
      const deviation = Math.sqrt(Math.max(0, history.squares / count - mean * mean));
      const cadenceMs = instance.heartbeatIntervalMs;
      const silentMs = Math.max(0, now - history.lastAt);
      return phiOf({ mean, deviation, silentMs, cadenceMs, graceMs: graceMs(cadenceMs) });
    },
  };
}

function add(history: History, interval: number): void {
  const old = history.intervals[history.next];
  if (old !== undefined) {
    history.sum -= old;
    history.squares -= old * old;
  }
  history.intervals[history.next] = interval;
  history.next = (history.next + 1) % ARRIVALS_MAX;
  history.sum += interval;
  history.squares += interval * interval;
}
