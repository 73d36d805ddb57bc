import { PAUSED_BEFORE_ENDED, unasked } from "../../../../src/core/check/invariants/meters.ts";
import { SECOND_MS } from "../../../../src/core/model/time.ts";
import { FINE, found, type Invariant } from "../fact.ts";

/** A pause that the driver never confirmed is held against its agent only when it was asked for this long ago, however the clock was set. */
const UNCONFIRMED_MS_MIN = 15 * SECOND_MS;

interface Pause {
  readonly askedMs: number;
  /** By the audit of the driver; null where it was not seen to take hold. */
  heldMs: number | null;
}

/** It really used more after its pause, and was given time for it. */
const pausedBeforeEnded: Invariant = {
  ...PAUSED_BEFORE_ENDED,
  facts: ["recorded", "act", "spent"],
  watch() {
    const pauses = new Map<string, Pause>();
    const spentMs = new Map<string, number>();
    return {
      on(fact, elapsedMs) {
        if (fact.type === "spent") spentMs.set(`${fact.clone}/${fact.epoch}`, elapsedMs);
        if (fact.type === "act") {
          const pause = pauses.get(`${fact.clone}/${fact.epoch}`);
          if (pause !== undefined && fact.act === "paused") pause.heldMs ??= elapsedMs;
          if (pause !== undefined && fact.act === "resumed") pause.heldMs = null;
        }
        if (fact.type !== "recorded") return FINE;
        const { before, after, event, ignored } = fact;
        const key = `${event.clone}/${after.instance?.epoch ?? 0}`;
        const [was, is] = [before.instance?.pauseAsked === true, after.instance?.pauseAsked === true];
        const first = event.event.type === "clone.restored" && !pauses.has(key);
        if (is && (!was || first)) pauses.set(key, { askedMs: elapsedMs, heldMs: null });
        if (!is) pauses.delete(key);
        if (event.event.type !== "runaway.detected" || ignored) return FINE;
        const witnessed = spentMs.size > 0;
        const problem =
          unasked(fact) ?? (witnessed ? unseen(pauses.get(key), spentMs.get(key), elapsedMs) : null);
        return problem === null ? FINE : found(event.clone, event.seq, problem);
      },
    };
  },
};

function unseen(pause: Pause | undefined, spentMs: number | undefined, nowMs: number): string | null {
  if (pause === undefined) return "it is ended as a runaway although its pause was taken back";
  const { askedMs, heldMs } = pause;
  if (heldMs === null && nowMs - askedMs < UNCONFIRMED_MS_MIN)
    return `it is ended as a runaway ${nowMs - askedMs} ms after its pause was asked for, which has not taken hold`;
  return spentMs === undefined || spentMs < (heldMs ?? askedMs)
    ? "it is ended as a runaway and has used nothing since it was paused"
    : null;
}

export const METER_INVARIANTS: readonly Invariant[] = [pausedBeforeEnded];
