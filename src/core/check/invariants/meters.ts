/** Meters: what was used is never forgotten, and whoever is ended for spending had been stopped and went on. */

import { usedByInstance } from "../../clone/spending/budget.ts";
import type { CloneState } from "../../model/clone-state.ts";
import { SECOND_MS } from "../../model/time.ts";
import { FINE, found, type Invariant, type Recorded } from "../fact.ts";

/** Late reports, mistakes of agents and the end of an instance move meters up or not at all, and what they say is a number. */
const metersNeverShrink: Invariant = {
  name: "meters-never-shrink",
  promise: "what a clone and its mission have used never becomes less, and is a finite number",
  watch() {
    return {
      on(fact) {
        if (fact.type !== "recorded" || fact.event.event.type === "clone.restored") return FINE;
        const { before, after, event } = fact;
        const [was, is] = [metersOf(before), metersOf(after)];
        const same = before.mission !== null && before.mission.missionId === after.mission?.missionId;
        for (const [meter, now] of Object.entries(is)) {
          const then = was[meter] ?? 0;
          const falls = now < then && (same || !OF_MISSION.has(meter));
          if (!Number.isFinite(now) || now < 0 || falls)
            return found(
              event.clone,
              event.seq,
              `${meter} goes from ${then} to ${now} by ${event.event.type}`,
            );
        }
        return FINE;
      },
    };
  },
};

/** They begin anew with a mission. */
const OF_MISSION: ReadonlySet<string> = new Set(["active_ms"]);

/** In the whole life of the clone, as far as it is known. */
function metersOf({ spent, instance, mission }: CloneState): Readonly<Record<string, number>> {
  const used = usedByInstance(instance, undefined);
  return {
    llm_calls: spent.llmCalls + (used.llmCalls ?? 0),
    cost_micros: spent.costMicros + (used.costMicros ?? 0),
    active_ms: mission?.activeMs ?? 0,
  };
}

/** A pause that the driver never confirmed is held against its agent only when it was asked for this long ago, however the clock was set. */
const UNCONFIRMED_MS_MIN = 15 * SECOND_MS;

interface Pause {
  readonly askedMs: number;
  /** By the audit of the driver; null where it was not seen to take hold. */
  heldMs: number | null;
}

/**
 * On record: it was held, its pause was asked for, and what it had used then was taken down before more
 * counted against it. With a witness: it really used more after that, and was given time for it.
 */
const pausedBeforeEnded: Invariant = {
  name: "paused-before-ended",
  promise: "nobody is ended for spending who was not paused before and spent on all the same",
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

function unasked({ before }: Recorded): string | null {
  const { instance, holds, requests } = before;
  if (holds.length === 0) return "it is ended as a runaway and nothing held it";
  if (instance?.pauseAskedAt == null) return "it is ended as a runaway and was not asked to pause";
  if (instance.settled === null) return "it is ended as a runaway and nobody knows what it had used before";
  const byBudget = holds.some(({ kind, owner }) => kind === "budget" && owner === "supervisor");
  return byBudget && !requests.some(({ kind }) => kind === "budget")
    ? "it is ended as a runaway and nobody was asked about its budget"
    : null;
}

function unseen(pause: Pause | undefined, spentMs: number | undefined, nowMs: number): string | null {
  if (pause === undefined) return "it is ended as a runaway although its pause was taken back";
  const { askedMs, heldMs } = pause;
  if (heldMs === null && nowMs - askedMs < UNCONFIRMED_MS_MIN)
    return `it is ended as a runaway ${nowMs - askedMs} ms after its pause was asked for, which has not taken hold`;
  return spentMs === undefined || spentMs < (heldMs ?? askedMs)
    ? "it is ended as a runaway and has used nothing since it was paused"
    : null;
}

export const METER_INVARIANTS: readonly Invariant[] = [metersNeverShrink, pausedBeforeEnded];
