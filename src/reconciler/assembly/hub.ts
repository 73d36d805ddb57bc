import type { LoopKey } from "../loop/handlers.ts";

/** What the parts of a controller tell each other without knowing each other. */
export interface Hub {
  /** There is something to do for a key of the loop, now. */
  wake(key: LoopKey): void;
  onWake(listener: (key: LoopKey) => void): void;
  /** Something changed that people should see; `urgent` when they should see it at once. */
  show(urgent: boolean): void;
  onShow(listener: (urgent: boolean) => void): void;
}

export function createHub(): Hub {
  const wakers: ((key: LoopKey) => void)[] = [];
  const showers: ((urgent: boolean) => void)[] = [];
  return {
    wake(key) {
      for (const waker of wakers) waker(key);
    },
    onWake: (listener) => void wakers.push(listener),
    show(urgent) {
      for (const shower of showers) shower(urgent);
    },
    onShow: (listener) => void showers.push(listener),
  };
}
