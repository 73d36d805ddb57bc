import { doubledMs } from "../../core/model/backoff.ts";
import type { CloneState } from "../../core/model/clone-state.ts";
import type { Effect } from "../../core/model/effect.ts";
import { asFactoryError, assertNever } from "../../core/model/error.ts";
import type { CloneEvent } from "../../core/model/event.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { NewEffect } from "../../ports/store.ts";
import type { Recorder } from "../record/recorder.ts";
import type { EffectHandlers } from "./handlers.ts";

/** Waits between attempts of an effect that failed for reasons outside: doubled, capped, forgotten on success. */
const RETRY_MS = 500;
const RETRY_MAX_MS = 30_000;
/** Attempts after which an effect is given up, where giving up leads on: a launch is begun anew. Nothing would ask for a pause again. */
const ATTEMPTS_MAX = 20;
/** A lane waits for its trace bundle some seconds, not minutes. */
const TRACE_ATTEMPTS_MAX = 5;
/** May be done later than what was asked for after them: a pause must not wait behind a shim that cannot be told its new address. */
const YIELDS: ReadonlySet<Effect["type"]> = new Set(["configure", "pull", "message"]);

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
      const tries = await attempt(next.effect, AbortSignal.any([abort.signal, closing.signal]), {
        lane,
        tries: next.tries,
      });
      if (tries !== null) lane.queue.push({ effect: next.effect, tries });
      lane.running = null;
    }
    // In the same step as the last look at the queue: whoever adds from here on starts another worker.
    lane.worker = null;
  }

  /**
   * Until it is settled: done, pointless, or given up. Never throws. Answers how often it
   * failed when it is to go on later, behind what waits in its lane.
   */
  async function attempt(
    effect: NewEffect,
    signal: AbortSignal,
    turn: { readonly lane: Lane; readonly tries: number } | null,
  ): Promise<number | null> {
    for (let tries = (turn?.tries ?? 0) + 1; !closing.signal.aborted; tries++) {
      const state = recorder.states.get(effect.clone);
      if (state === undefined || isPointless(effect.effect, state)) return settle(effect, [], state);
      try {
        const outcome = await handlers.carryOut(effect.effect, state, signal);
        return await settle(effect, outcome, state);
      } catch (error) {
        if (closing.signal.aborted) return null;
        const failure = asFactoryError(error);
        if (signal.aborted) return settle(effect, [], state);
        log.warn("an effect failed", {
          clone: effect.clone,
          effect: effect.effect.type,
          code: failure.code,
          error: failure.message,
          tries,
        });
        const verdict = handlers.failed(effect.effect, failure, tries >= attemptsMax(effect.effect));
        if (verdict !== null) return settle(effect, verdict, state);
        const lane = turn !== null && YIELDS.has(effect.effect.type) ? turn.lane : null;
        const urgent = lane?.queue.some((other) => !YIELDS.has(other.effect.effect.type)) === true;
        if (!urgent) await waitAfter(tries, lane);
        if (lane !== null && lane.queue.length > 0) return tries;
      }
    }
    return null;
  }

  async function waitAfter(tries: number, lane: Lane | null): Promise<void> {
    const signals = [closing.signal];
    if (lane !== null) {
      lane.nudge = new AbortController();
      signals.push(lane.nudge.signal);
    }
    const ms = doubledMs(RETRY_MS, tries - 1, RETRY_MAX_MS);
    await clock.sleep(ms, AbortSignal.any(signals)).catch(() => {});
    if (lane !== null) lane.nudge = null;
  }

  /** `asked`: the state for which it was carried out. */
  async function settle(
    effect: NewEffect,
    events: readonly CloneEvent[],
    asked: CloneState | undefined,
  ): Promise<null> {
    for (let tries = 1; !closing.signal.aborted; tries++) {
      try {
        await recorder.write(effect.clone, (state) => {
          // An attempt whose answer was lost may have settled it.
          if (tries > 1 && !recorder.isOpen(effect.id)) return null;
          return { events: events.filter((event) => isNews(event, state, asked)), settled: [effect.id] };
        });
        return null;
      } catch {
        // The outcome is not lost: the effect is still on record and safe to repeat.
        await waitAfter(tries, null);
      }
    }
    return null;
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
      running.abort.abort(new Error("nobody waits for a verdict any longer"));
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

/**
 * Whether an outcome still says something. A report that was pulled may have come over the
 * callback in the meantime; the record has each once. What was prepared for another declaration
 * or another mission says nothing about the present one, for which a `prepare` of its own waits.
 */
function isNews(event: CloneEvent, state: CloneState, asked: CloneState | undefined): boolean {
  const { instance } = state;
  if (event.type === "prepare.finished")
    return (
      state.spec?.digest === asked?.spec?.digest && state.mission?.missionId === asked?.mission?.missionId
    );
  if (event.type !== "instance.reported") return true;
  return instance?.epoch === event.epoch && event.report.seq > instance.lastSeq;
}

function attemptsMax(effect: Effect): number {
  return effect.type === "trace" ? TRACE_ATTEMPTS_MAX : ATTEMPTS_MAX;
}

/** More would overflow long before the cap is missed. */

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
    case "message":
      return !living || state.instance?.epoch !== effect.epoch;
    case "probe":
    case "reconnect":
    case "revive": {
      const { recovery } = state;
      const rung = effect.type === "revive" ? "resume" : effect.type;
      const asked = recovery !== null && recovery.stage === "asked" && recovery.rung === rung;
      return !living || state.instance?.epoch !== effect.epoch || !asked;
    }
    case "pause":
    case "resume":
      return (
        !living ||
        state.instance?.epoch !== effect.epoch ||
        state.instance.pauseAsked !== (effect.type === "pause")
      );
    case "hand_over":
      return state.mission?.missionId !== effect.missionId || state.mission.handover === null;
    case "judge":
      return state.phase !== "Judging" || state.mission?.missionId !== effect.missionId;
    case "trace":
      return false;
    case "promote":
      return !state.past.some(
        ({ missionId, promotedAt }) => missionId === effect.missionId && promotedAt === null,
      );
    case "archive":
      return state.mission !== null || state.phase !== "Retired";
    case "stop":
      return false;
    default:
      return assertNever(effect);
  }
}
