/**
 * A clock that jumps to the next thing that is due as soon as nothing real is under way: an hour of waiting between requests
 * takes no time, and a request, a plan or a git that takes real time takes no time of the clock.
 */
import type { SteadyClock } from "../../src/ports/clock.ts";
import { createVirtualClock } from "./virtual-clock.ts";

export interface IdleClock extends SteadyClock {
  /** While the work lasts the clock stands still. */
  during<T>(work: () => Promise<T>): Promise<T>;
  /** Counts each `fetch` as such work, until `stop`. */
  start(): void;
  stop(): void;
}

/** Turns of the event loop without anything under way after which nothing will come by itself. */
const QUIET_TURNS = 12;

export function createIdleClock(start = Date.UTC(2026, 10, 23)): IdleClock {
  const virtual = createVirtualClock(start);
  const { fetch } = globalThis;
  let busy = 0;
  let running = false;

  async function during<T>(work: () => Promise<T>): Promise<T> {
    busy += 1;
    try {
      return await work();
    } finally {
      busy -= 1;
    }
  }

  async function run(): Promise<void> {
    let quiet = 0;
    while (running) {
      // A real wait: what runs in a process or a thread of its own is not to be starved by our turns.
      await (busy > 0 ? real(1) : new Promise((resolve) => setImmediate(resolve)));
      quiet = busy > 0 ? 0 : quiet + 1;
      if (quiet < QUIET_TURNS) continue;
      quiet = 0;
      if (!(await virtual.step())) await real(1);
    }
  }

  return {
    now: () => virtual.now(),
    monotonic: () => virtual.monotonic(),
    sleep: (ms, signal) => virtual.sleep(ms, signal),
    during,
    start() {
      running = true;
      globalThis.fetch = (...asked) => during(() => fetch(...asked));
      void run();
    },
    stop() {
      running = false;
      globalThis.fetch = fetch;
    },
  };
}

function real(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
