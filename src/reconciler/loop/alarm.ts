import type { SteadyClock } from "../../ports/clock.ts";

/** One timer, set to whatever is due first. */
export interface Alarm {
  /** The steady time. A wait that ended was long enough, whatever the clock says a moment later. */
  now(): number;
  /** Rings once at that time; null: not at all. Another time takes the place of the one before. */
  set(at: number | null): void;
}

export function createAlarm(clock: SteadyClock, ring: () => void): Alarm {
  let set: { readonly at: number; readonly abort: AbortController } | null = null;
  let reached = Number.NEGATIVE_INFINITY;
  const now = (): number => Math.max(clock.monotonic(), reached);
  return {
    now,
    set(at) {
      if (set?.at === at) return;
      set?.abort.abort();
      set = null;
      if (at === null) return;
      const mine = { at, abort: new AbortController() };
      set = mine;
      clock.sleep(Math.max(0, at - now()), mine.abort.signal).then(
        () => {
          reached = Math.max(reached, at);
          if (set === mine) set = null;
          ring();
        },
        () => {},
      );
    },
  };
}
