import { due, dueOfUsage } from "../../core/clone/due.ts";
import { notDueBefore } from "../../core/clone/not-due-before.ts";
import { fleetDay } from "../../core/clone/spending/day-caps.ts";
import { dueThrottles } from "../../core/clone/start/throttle.ts";
import { type Calendar, createCalendar } from "../../core/model/calendar.ts";
import type { CloneState } from "../../core/model/clone-state.ts";
import type { FleetPolicy } from "../../core/model/desired.ts";
import type { CloneEvent } from "../../core/model/event.ts";
import type { Signal } from "../../core/model/instance.ts";
import type { Instant } from "../../core/model/time.ts";
import type { Recorder } from "../record/recorder.ts";
import type { Watching } from "./absence.ts";
import type { Prober } from "./probing.ts";

/**
 * Asks for every clone that is not at rest what has fallen due, and records it.
 * A tick that comes late or twice asks the same question again; nothing is missed.
 * Returns whether anything was recorded.
 */
export async function superviseOnce(parts: {
  recorder: Recorder;
  watching: Watching;
  prober: Prober;
  /** Of `fleet.yaml` as it was read last. */
  policy: FleetPolicy | null;
  /** Kept from tick to tick, so that windows and days are not read anew at each. */
  calendar?: Calendar;
  /** Kept from tick to tick, so that nobody is asked about before anything can fall due. */
  quiet?: QuietLanes;
}): Promise<boolean> {
  const { recorder, watching, prober, policy, calendar = createCalendar(), quiet = new Map() } = parts;
  const { now, watch: seen } = watching.look();
  const day = fleetDay(recorder.states, recorder.signals, { policy, now, calendar });
  const found = new Map<string, (state: CloneState) => readonly CloneEvent[]>();
  const failures: unknown[] = [];
  for (const state of recorder.states.values()) {
    if (isAtRest(state)) continue;
    try {
      const signal = recorder.signals.get(state.name);
      const probe = prober.look(state, signal, now);
      const asIs = { state, signal, watchingSince: seen.watchingSince };
      const alone = probe === undefined && day === null;
      if (alone && isQuiet(quiet.get(state.name), asIs, now)) continue;
      const asked = (is: CloneState): readonly CloneEvent[] => {
        const { now, watch } = watching.look();
        return due(is, recorder.signals.get(is.name), now, { ...watch, probe, day, calendar });
      };
      if (asked(state).length > 0) found.set(state.name, asked);
      else if (alone)
        quiet.set(state.name, {
          ...asIs,
          from: now,
          until: notDueBefore(state, signal, now, { ...asIs, calendar }),
        });
    } catch (error) {
      // Our fault, and told below; the others have to be looked after all the same.
      failures.push(error);
    }
  }
  const throttles = dueThrottles(recorder.states, now);
  for (const [clone, event] of throttles) {
    const asked = found.get(clone);
    found.set(clone, (is) => [
      ...(asked?.(is) ?? []),
      // Only if it is still so when its turn comes.
      ...(is === recorder.states.get(clone) ? [event] : []),
    ]);
  }
  // Asked again in their turn: while the record was busy, what was missed may have been heard, and the clock may have been set.
  await Promise.all(
    [...found].map(([clone, asked]) =>
      recorder.write(clone, (state) => {
        const events = asked(state);
        return events.length === 0 ? null : { events };
      }),
    ),
  );
  if (failures.length > 0) throw failures[0];
  return found.size > 0;
}

/** By clone: what was seen when nothing was due, and until when nothing will be while that stays the same. */
export type QuietLanes = Map<string, QuietLane>;

interface AsIs {
  readonly state: CloneState;
  readonly signal: Signal | undefined;
  readonly watchingSince: Instant;
}

interface QuietLane extends AsIs {
  readonly from: Instant;
  readonly until: Instant;
}

function isQuiet(known: QuietLane | undefined, is: AsIs, now: Instant): boolean {
  if (known === undefined || now < known.from || now >= known.until) return false;
  const { state, signal, watchingSince } = known;
  return state === is.state && signal === is.signal && watchingSince === is.watchingSince;
}

/** The part of it that does not wait for the next tick: what one clone spends. Sums over the whole fleet do. */
export async function superviseClone(
  clone: string,
  { recorder, watching }: { recorder: Recorder; watching: Watching },
): Promise<void> {
  const asked = (state: CloneState): readonly CloneEvent[] => {
    const { now, watch } = watching.look();
    return dueOfUsage(state, recorder.signals.get(clone), now, watch);
  };
  const state = recorder.states.get(clone);
  if (state === undefined || asked(state).length === 0) return;
  await recorder.write(clone, (is) => {
    const events = asked(is);
    return events.length === 0 ? null : { events };
  });
}

function isAtRest(state: CloneState): boolean {
  return (
    state.mission === null &&
    state.instance === null &&
    state.deadlineAt === null &&
    state.requests.length === 0 &&
    // A pause until a moment ends also where no mission waits for that.
    state.holds.every(({ until }) => until === undefined)
  );
}
