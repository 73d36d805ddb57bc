/** One effect until it is settled: tried, tried again later and later, given up where giving up leads on. */
import { doubledMs } from "../../core/model/backoff.ts";
import type { CloneState } from "../../core/model/clone-state.ts";
import type { Effect } from "../../core/model/effect.ts";
import { asFactoryError } from "../../core/model/error.ts";
import type { CloneEvent } from "../../core/model/event.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { NewEffect } from "../../ports/store.ts";
import type { Recorder } from "../record/recorder.ts";
import type { EffectHandlers } from "./handlers.ts";
import { isPointless } from "./pointless.ts";

/** Waits between attempts of an effect that failed for reasons outside: doubled, capped, forgotten on success. */
const RETRY_MS = 500;
const RETRY_MAX_MS = 30_000;
/** Attempts after which an effect is given up, where giving up leads on: a launch is begun anew. Nothing would ask for a pause again. */
const ATTEMPTS_MAX = 20;
/** A lane waits for its trace bundle some seconds, not minutes. */
const TRACE_ATTEMPTS_MAX = 5;
/** May be done later than what was asked for after them: a pause must not wait behind a shim that cannot be told its new address. */
const YIELDS: ReadonlySet<Effect["type"]> = new Set(["configure", "pull", "message"]);

/** What an attempt has to know of the lane in which its effect waits. */
export interface Turn {
  /** Whether something waits that is not to wait for this effect. */
  readonly hasUrgent: () => boolean;
  readonly hasMore: () => boolean;
  /** Ends a wait for the next attempt, because something else is to be done meanwhile; anew for each wait. */
  readonly nextNudge: () => AbortSignal;
  /** Nobody waits any longer. */
  readonly endNudge: () => void;
  /** Attempts that failed before. */
  readonly tries: number;
}

/**
 * Until it is settled: done, pointless, or given up. Never throws. Answers how often it
 * failed when it is to go on later, behind what waits in its lane.
 */
export type Attempt = (effect: NewEffect, signal: AbortSignal, turn: Turn | null) => Promise<number | null>;

/** Whether an effect may be done later than what was asked for after it. */
export function yields({ effect }: NewEffect): boolean {
  return YIELDS.has(effect.type);
}

export function createAttempts(parts: {
  readonly recorder: Recorder;
  readonly handlers: EffectHandlers;
  readonly clock: Clock;
  readonly log: Log;
  /** Aborted: nothing more is tried. */
  readonly closing: AbortSignal;
}): Attempt {
  const { recorder, handlers, clock, log, closing } = parts;

  async function attempt(effect: NewEffect, signal: AbortSignal, turn: Turn | null): Promise<number | null> {
    for (let tries = (turn?.tries ?? 0) + 1; !closing.aborted; tries++) {
      const state = recorder.states.get(effect.clone);
      if (state === undefined || isPointless(effect.effect, state)) return settle(effect, [], state);
      try {
        const outcome = await handlers.carryOut(effect.effect, state, signal);
        return await settle(effect, outcome, state);
      } catch (error) {
        if (closing.aborted) return null;
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
        const lane = turn !== null && yields(effect) ? turn : null;
        if (lane?.hasUrgent() !== true) await waitAfter(tries, lane);
        if (lane?.hasMore() === true) return tries;
      }
    }
    return null;
  }

  async function waitAfter(tries: number, lane: Turn | null): Promise<void> {
    const signals = lane === null ? [closing] : [closing, lane.nextNudge()];
    const ms = doubledMs(RETRY_MS, tries - 1, RETRY_MAX_MS);
    await clock.sleep(ms, AbortSignal.any(signals)).catch(() => {});
    lane?.endNudge();
  }

  /** `asked`: the state for which it was carried out. */
  async function settle(
    effect: NewEffect,
    events: readonly CloneEvent[],
    asked: CloneState | undefined,
  ): Promise<null> {
    for (let tries = 1; !closing.aborted; tries++) {
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

  return attempt;
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
