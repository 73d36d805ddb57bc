import type { CloneEvent } from "../core/model/event.ts";
import { due } from "../core/supervise/due.ts";
import type { Watch } from "../core/supervise/liveness.ts";
import type { CloneState } from "../core/supervise/state.ts";
import type { Clock } from "../ports/clock.ts";
import type { Prober } from "./probing.ts";
import { type Recorder, recordEvents } from "./record.ts";

/**
 * Asks for every clone that is not at rest what has fallen due, and records it.
 * A tick that comes late or twice asks the same question again; nothing is missed.
 * Returns whether anything was recorded.
 */
export async function superviseOnce(parts: {
  recorder: Recorder;
  clock: Clock;
  watch: Watch;
  prober: Prober;
}): Promise<boolean> {
  const { recorder, clock, watch, prober } = parts;
  const now = clock.now();
  const found: { clone: string; events: readonly CloneEvent[] }[] = [];
  const failures: unknown[] = [];
  for (const state of recorder.states.values()) {
    if (isAtRest(state)) continue;
    try {
      const signal = recorder.signals.get(state.name);
      const probe = prober.look(state, signal, now);
      const events = due(state, signal, now, { ...watch, probe });
      if (events.length > 0) found.push({ clone: state.name, events });
    } catch (error) {
      // Our fault, and told below; the others have to be looked after all the same.
      failures.push(error);
    }
  }
  await Promise.all(found.map(({ clone, events }) => recordEvents(recorder, clone, ...events)));
  if (failures.length > 0) throw failures[0];
  return found.length > 0;
}

function isAtRest(state: CloneState): boolean {
  return (
    state.mission === null &&
    state.instance === null &&
    state.deadlineAt === null &&
    state.requests.length === 0
  );
}
