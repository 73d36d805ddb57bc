import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { NewEffect } from "../../ports/store.ts";
import type { Recorder } from "../record/recorder.ts";
import { createAttempts, type Turn, yields } from "./attempts.ts";
import type { EffectHandlers } from "./handlers.ts";
import { isPointless } from "./pointless.ts";

/**
 * Carries out effects, at least once each, and records their outcome as an
 * event in the same transaction that settles them. Per clone in order and one
 * at a time; except that a stop overtakes: it aborts what is under way for its
 * clone and runs at once, because stop always wins.
 */
export interface Dispatcher {
  add(effects: readonly NewEffect[]): void;
  /** Resolves when nothing is waiting or under way. */
  idle(): Promise<void>;
  /** Carries out nothing more, from this moment on: somebody else acts on the record, and does what is left. */
  halt(): void;
  /** Stops starting effects; what is under way is aborted. What was not finished is done by the next controller. */
  close(): Promise<void>;
}

interface Waiting {
  readonly effect: NewEffect;
  /** Attempts that failed. */
  readonly tries: number;
}

interface Lane {
  readonly queue: Waiting[];
  running: { readonly effect: NewEffect; readonly abort: AbortController } | null;
  worker: Promise<void> | null;
  /** Ends the wait for the next attempt, because something else is to be done meanwhile; null while nothing waits. */
  nudge: AbortController | null;
  readonly stops: Set<Promise<unknown>>;
}

export function createDispatcher(parts: {
  recorder: Recorder;
  handlers: EffectHandlers;
  clock: Clock;
  log: Log;
}): Dispatcher {
  const { recorder } = parts;
  const lanes = new Map<string, Lane>();
  const closing = new AbortController();
  const attempt = createAttempts({ ...parts, closing: closing.signal });

  function add(effects: readonly NewEffect[]): void {
    if (closing.signal.aborted) return;
    for (const effect of effects) {
      const lane = laneOf(effect.clone);
      if (effect.effect.type === "stop") {
        // Only what the stop has made pointless: the end of a stray must not take the living one's work with it.
        const state = recorder.states.get(effect.clone);
        if (lane.running !== null && state !== undefined && isPointless(lane.running.effect.effect, state))
          lane.running.abort.abort(new Error("overtaken by a stop"));
        track(lane, attempt(effect, closing.signal, null));
      } else {
        lane.queue.push({ effect, tries: 0 });
        lane.nudge?.abort();
        lane.worker ??= work(lane);
      }
    }
  }

  function laneOf(clone: string): Lane {
    let lane = lanes.get(clone);
    if (lane === undefined) {
      lane = { queue: [], running: null, worker: null, nudge: null, stops: new Set() };
      lanes.set(clone, lane);
    }
    return lane;
  }

  function track(lane: Lane, stop: Promise<unknown>): void {
    const tracked: Promise<unknown> = stop.finally(() => lane.stops.delete(tracked));
    lane.stops.add(tracked);
  }

  async function work(lane: Lane): Promise<void> {
    await Promise.resolve(); // So that `worker` is set before it is cleared.
    for (let next = lane.queue.shift(); next !== undefined; next = lane.queue.shift()) {
      if (closing.signal.aborted) break;
      const abort = new AbortController();
      lane.running = { effect: next.effect, abort };
      const signal = AbortSignal.any([abort.signal, closing.signal]);
      const tries = await attempt(next.effect, signal, turnIn(lane, next.tries));
      if (tries !== null) lane.queue.push({ effect: next.effect, tries });
      lane.running = null;
    }
    // In the same step as the last look at the queue: whoever adds from here on starts another worker.
    lane.worker = null;
  }

  async function idle(): Promise<void> {
    for (;;) {
      const busy = [...lanes.values()].flatMap((lane) => [
        ...(lane.worker === null ? [] : [lane.worker]),
        ...lane.stops,
      ]);
      if (busy.length === 0) return;
      await Promise.all(busy);
    }
  }

  // Judging takes minutes, and a kill does not wait for it.
  recorder.onChange(({ after }) => {
    const running = lanes.get(after.name)?.running;
    if (running?.effect.effect.type === "judge" && isPointless(running.effect.effect, after))
      running.abort.abort(new Error("the mission no longer waits for a verdict"));
  });

  return {
    add,
    idle,
    halt: () => closing.abort(new Error("another controller acts on the record")),
    async close() {
      closing.abort(new Error("the controller is closing"));
      await idle();
    },
  };
}

function turnIn(lane: Lane, tries: number): Turn {
  return {
    hasUrgent: () => lane.queue.some(({ effect }) => !yields(effect)),
    hasMore: () => lane.queue.length > 0,
    nextNudge() {
      lane.nudge = new AbortController();
      return lane.nudge.signal;
    },
    endNudge() {
      lane.nudge = null;
    },
    tries,
  };
}
