import type { Effect } from "../core/model/effect.ts";
import { asFactoryError, assertNever } from "../core/model/error.ts";
import type { CloneEvent } from "../core/model/event.ts";
import type { CloneState } from "../core/supervise/state.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { NewEffect } from "../ports/store.ts";
import type { EffectHandlers } from "./effects.ts";
import type { Recorder } from "./record.ts";

/** Waits between attempts of an effect that failed for reasons outside: doubled, capped, forgotten on success. */
const RETRY_MS = 500;
const RETRY_MAX_MS = 30_000;
/** Attempts after which an effect that the plan would repair anyway is given up; stops are never given up. */
const ATTEMPTS_MAX = 20;

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
  /** Stops starting effects; what is under way is aborted. What was not finished is done by the next controller. */
  close(): Promise<void>;
}

interface Lane {
  readonly queue: NewEffect[];
  running: { readonly effect: NewEffect; readonly abort: AbortController } | null;
  worker: Promise<void> | null;
  readonly stops: Set<Promise<void>>;
}

export function createDispatcher(parts: {
  recorder: Recorder;
  handlers: EffectHandlers;
  clock: Clock;
  log: Log;
}): Dispatcher {
  const { recorder, handlers, clock, log } = parts;
  const lanes = new Map<string, Lane>();
  const closing = new AbortController();

  function add(effects: readonly NewEffect[]): void {
    if (closing.signal.aborted) return;
    for (const effect of effects) {
      const lane = laneOf(effect.clone);
      if (effect.effect.type === "stop") {
        // Only what the stop has made pointless: the end of a stray must not take the living one's work with it.
        const state = recorder.states.get(effect.clone);
        if (lane.running !== null && state !== undefined && isPointless(lane.running.effect.effect, state))
          lane.running.abort.abort(new Error("overtaken by a stop"));
        track(lane, attempt(effect, closing.signal));
      } else {
        lane.queue.push(effect);
        lane.worker ??= work(lane).finally(() => {
          lane.worker = null;
        });
      }
    }
  }

  function laneOf(clone: string): Lane {
    let lane = lanes.get(clone);
    if (lane === undefined) {
      lane = { queue: [], running: null, worker: null, stops: new Set() };
      lanes.set(clone, lane);
    }
    return lane;
  }

  function track(lane: Lane, stop: Promise<void>): void {
    const tracked = stop.finally(() => lane.stops.delete(tracked));
    lane.stops.add(tracked);
  }

  async function work(lane: Lane): Promise<void> {
    for (let effect = lane.queue.shift(); effect !== undefined; effect = lane.queue.shift()) {
      if (closing.signal.aborted) return;
      const abort = new AbortController();
      lane.running = { effect, abort };
      await attempt(effect, AbortSignal.any([abort.signal, closing.signal]));
      lane.running = null;
    }
  }

  /** Until it is settled: done, pointless, or given up. Never throws. */
  async function attempt(effect: NewEffect, signal: AbortSignal): Promise<void> {
    for (let tries = 1; !closing.signal.aborted; tries++) {
      const state = recorder.states.get(effect.clone);
      if (state === undefined || isPointless(effect.effect, state)) return settle(effect, []);
      try {
        const outcome = await handlers.carryOut(effect.effect, state, signal);
        return await settle(effect, outcome);
      } catch (error) {
        if (closing.signal.aborted) return;
        const failure = asFactoryError(error);
        if (signal.aborted) return settle(effect, []);
        log.warn("an effect failed", {
          clone: effect.clone,
          effect: effect.effect.type,
          code: failure.code,
          error: failure.message,
          tries,
        });
        const verdict = handlers.failed(effect.effect, failure, tries >= ATTEMPTS_MAX);
        if (verdict !== null) return settle(effect, verdict);
        await clock
          .sleep(Math.min(RETRY_MS * 2 ** (tries - 1), RETRY_MAX_MS), closing.signal)
          .catch(() => {});
      }
    }
  }

  async function settle(effect: NewEffect, events: readonly CloneEvent[]): Promise<void> {
    for (let tries = 1; !closing.signal.aborted; tries++) {
      try {
        await recorder.write(effect.clone, (state) => {
          // An attempt whose answer was lost may have settled it.
          if (tries > 1 && !recorder.isOpen(effect.id)) return null;
          return { events: events.filter((event) => isNews(event, state)), settled: [effect.id] };
        });
        return;
      } catch {
        // The outcome is not lost: the effect is still on record and safe to repeat.
        await clock
          .sleep(Math.min(RETRY_MS * 2 ** (tries - 1), RETRY_MAX_MS), closing.signal)
          .catch(() => {});
      }
    }
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

  return {
    add,
    idle,
    async close() {
      closing.abort(new Error("the controller is closing"));
      await idle();
    },
  };
}

/** A report that was pulled may have come over the callback in the meantime; the record has each once. */
function isNews(event: CloneEvent, { instance }: CloneState): boolean {
  if (event.type !== "instance.reported") return true;
  return instance?.epoch === event.epoch && event.report.seq > instance.lastSeq;
}

/** An effect for an instance or a phase that is over. Stops are never pointless: proof is asked for until it is given. */
export function isPointless(effect: Effect, state: CloneState): boolean {
  const living = state.instance !== null && state.instance.stopping === null;
  switch (effect.type) {
    case "prepare":
      return state.phase !== "Preparing";
    case "launch":
      return !living || state.instance?.epoch !== effect.epoch || state.instance.readyAt !== null;
    case "dispatch":
      return !living || state.instance?.epoch !== effect.epoch || state.phase !== "Dispatching";
    case "configure":
    case "pull":
      return !living || state.instance?.epoch !== effect.epoch;
    case "pause":
    case "resume":
      return (
        !living ||
        state.instance?.epoch !== effect.epoch ||
        state.instance.pauseAsked !== (effect.type === "pause")
      );
    case "judge":
      return state.phase !== "Judging" || state.mission?.missionId !== effect.missionId;
    case "archive":
      return state.mission !== null || state.phase !== "Retired";
    case "stop":
      return false;
    default:
      return assertNever(effect);
  }
}
