import type { Effect } from "../../core/model/effect.ts";
import type { SteadyClock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { NewEffect } from "../../ports/store.ts";
import { type Answer, OVER } from "../loop/answer.ts";
import { createWorkQueue, type Turn } from "../loop/queue.ts";
import type { Recorder } from "../record/recorder.ts";
import { createAttempts, type OpenEffect, openEffect } from "./attempts.ts";
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

/** May be done later than what was asked for after them: a pause must not wait behind a shim that cannot be told its new address. */
const YIELDS: ReadonlySet<Effect["type"]> = new Set(["configure", "pull", "message"]);

/** The effects of one clone, or one stop, which waits for nothing. */
type EffectKey = `clone/${string}` | `stop/${string}`;

/** What is to be done for one clone, first things first. */
interface Lane {
  readonly waiting: OpenEffect[];
  running: OpenEffect | null;
  /** Steady time before which nothing of the lane is tried, because one of it failed. */
  restUntil: number;
  /** It rests for something that yields: what comes meanwhile ends the rest. */
  yielding: boolean;
}

export function createDispatcher(parts: {
  recorder: Recorder;
  handlers: EffectHandlers;
  clock: SteadyClock;
  log: Log;
}): Dispatcher {
  const { recorder, clock } = parts;
  const lanes = new Map<EffectKey, Lane>();
  const stops = new Map<EffectKey, OpenEffect>();
  const closing = new AbortController();
  const attempt = createAttempts({ ...parts, closing: closing.signal });
  const queue = createWorkQueue<EffectKey>({
    clock,
    handle: (key, turn) => {
      const stop = stops.get(key);
      return stop === undefined ? workOn(key, turn) : workOnStop(key, stop, turn);
    },
  });

  function add(effects: readonly NewEffect[]): void {
    if (closing.signal.aborted) return;
    for (const effect of effects) {
      if (effect.effect.type === "stop") addStop(effect);
      else addToLane(effect);
    }
  }

  function addStop(effect: NewEffect): void {
    const key: EffectKey = `clone/${effect.clone}`;
    const running = lanes.get(key)?.running ?? null;
    const state = recorder.states.get(effect.clone);
    // Only what the stop has made pointless: the end of a stray must not take the living one's work with it.
    if (running !== null && state !== undefined && isPointless(running.effect.effect, state))
      queue.interrupt(key, new Error("overtaken by a stop"));
    const stop: EffectKey = `stop/${effect.id}`;
    stops.set(stop, openEffect(effect));
    queue.wake(stop);
  }

  function addToLane(effect: NewEffect): void {
    const key: EffectKey = `clone/${effect.clone}`;
    const lane = lanes.get(key) ?? newLane();
    lanes.set(key, lane);
    lane.waiting.push(openEffect(effect));
    if (lane.yielding) {
      wakeUp(lane);
      if ((lane.waiting[0]?.tries ?? 0) > 0) lane.waiting.push(...lane.waiting.splice(0, 1));
    }
    queue.wake(key);
  }

  async function workOn(key: EffectKey, { signal, now }: Turn): Promise<Answer> {
    const lane = lanes.get(key);
    const [first] = lane?.waiting ?? [];
    if (lane === undefined || first === undefined) return OVER;
    if (now < lane.restUntil) return { type: "again", at: lane.restUntil };
    wakeUp(lane);
    lane.running = first;
    const waitMs = await attempt(first, signal);
    lane.running = null;
    if (waitMs === null) lane.waiting.splice(0, 1);
    else restAfter(lane, first, Math.max(now, clock.monotonic()) + waitMs);
    if (lane.waiting.length > 0) return { type: "again", at: lane.restUntil };
    lanes.delete(key);
    return OVER;
  }

  async function workOnStop(key: EffectKey, stop: OpenEffect, { signal, now }: Turn): Promise<Answer> {
    const waitMs = await attempt(stop, signal);
    if (waitMs !== null) return { type: "again", at: Math.max(now, clock.monotonic()) + waitMs };
    stops.delete(key);
    return OVER;
  }

  // Judging takes minutes, and a kill does not wait for it.
  recorder.onChange(({ after }) => {
    const key: EffectKey = `clone/${after.name}`;
    const running = lanes.get(key)?.running?.effect.effect;
    if (running?.type === "judge" && isPointless(running, after))
      queue.interrupt(key, new Error("the mission is over, and no verdict is needed"));
  });

  return {
    add,
    idle: () => queue.idle(),
    halt() {
      closing.abort(new Error("another controller acts on the record"));
      void queue.close();
    },
    async close() {
      closing.abort(new Error("the controller is closing"));
      await queue.close();
    },
  };
}

function newLane(): Lane {
  return { waiting: [], running: null, restUntil: Number.NEGATIVE_INFINITY, yielding: false };
}

function wakeUp(lane: Lane): void {
  lane.restUntil = Number.NEGATIVE_INFINITY;
  lane.yielding = false;
}

/** After a failure of its first effect. One that yields goes behind the others, and only its like waits with it. */
function restAfter(lane: Lane, failed: OpenEffect, until: number): void {
  if (!yields(failed)) {
    lane.restUntil = until;
    return;
  }
  lane.waiting.push(...lane.waiting.splice(0, 1));
  if (!lane.waiting.every(yields)) return;
  lane.restUntil = until;
  lane.yielding = true;
}

/** Whether an effect may be done later than what was asked for after it. One that is done and not on record yet does not yield. */
function yields({ effect, outcome }: OpenEffect): boolean {
  return outcome === null && YIELDS.has(effect.effect.type);
}
