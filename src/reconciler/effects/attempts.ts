/** One effect, tried until it is settled: done, pointless, or given up where giving up leads on. */
import { doubledMs } from "../../core/model/backoff.ts";
import type { CloneState } from "../../core/model/clone-state.ts";
import type { Effect } from "../../core/model/effect.ts";
import { asFactoryError } from "../../core/model/error.ts";
import type { CloneEvent } from "../../core/model/event.ts";
import { shortageIn } from "../../core/model/shortage.ts";
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

/** An effect that is not settled yet, and what became of it so far. */
export interface OpenEffect {
  readonly effect: NewEffect;
  /** Attempts that failed. */
  tries: number;
  /** What came of it, once it was carried out; it is not carried out again while it cannot be recorded. */
  outcome: Outcome | null;
  /** Writes of the outcome that failed. */
  writes: number;
}

interface Outcome {
  readonly events: readonly CloneEvent[];
  /** The state for which it was carried out. */
  readonly asked: CloneState | undefined;
}

export function openEffect(effect: NewEffect): OpenEffect {
  return { effect, tries: 0, outcome: null, writes: 0 };
}

/**
 * One attempt. Never throws. Answers null when the effect is settled or nothing more is to be tried, and otherwise
 * for how long to wait before the next attempt.
 */
export type Attempt = (open: OpenEffect, signal: AbortSignal) => Promise<number | null>;

export function createAttempts(parts: {
  readonly recorder: Recorder;
  readonly handlers: EffectHandlers;
  readonly log: Log;
  /** Aborted: nothing more is tried. */
  readonly closing: AbortSignal;
}): Attempt {
  const { recorder, handlers, log, closing } = parts;

  /** Null: it failed, and is tried again. */
  async function carryOut({ effect, tries }: OpenEffect, signal: AbortSignal): Promise<Outcome | null> {
    const asked = recorder.states.get(effect.clone);
    if (asked === undefined || isPointless(effect.effect, asked)) return { events: [], asked };
    try {
      return { events: await handlers.carryOut(effect.effect, asked, signal), asked };
    } catch (error) {
      // Overtaken by a stop: what it was for is over.
      if (signal.aborted) return { events: [], asked };
      const failure = shortageIn(error) ?? asFactoryError(error);
      log.warn("an effect failed", {
        clone: effect.clone,
        effect: effect.effect.type,
        code: failure.code,
        error: failure.message,
        tries: tries + 1,
      });
      const verdict = handlers.failed(effect.effect, failure, tries + 1 >= attemptsMax(effect.effect));
      return verdict === null ? null : { events: verdict, asked };
    }
  }

  async function settle(open: OpenEffect, { events, asked }: Outcome): Promise<void> {
    const { effect } = open;
    await recorder.write(effect.clone, (state) => {
      // An attempt whose answer was lost may have settled it.
      if (open.writes > 0 && !recorder.isOpen(effect.id)) return null;
      return { events: events.filter((event) => isNews(event, state, asked)), settled: [effect.id] };
    });
  }

  return async (open, signal) => {
    if (closing.aborted) return null;
    open.outcome ??= await carryOut(open, signal);
    // What was cut off by our own end is on record, and done by whoever comes next.
    if (closing.aborted) return null;
    if (open.outcome === null) {
      open.tries += 1;
      return waitMs(open.tries);
    }
    try {
      await settle(open, open.outcome);
      return null;
    } catch {
      // The outcome is not lost: it is written again, and the effect is on record until then and safe to repeat.
      open.writes += 1;
      return closing.aborted ? null : waitMs(open.writes);
    }
  };
}

function waitMs(failures: number): number {
  return doubledMs(RETRY_MS, failures - 1, RETRY_MAX_MS);
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
