import { type Actions, createActions } from "../callbacks/actions.ts";
import { type Arrivals, createArrivals } from "../callbacks/arrivals.ts";
import { createIngest, type Ingest } from "../callbacks/ingest.ts";
import { createWatching } from "../loop/absence.ts";
import { createProber } from "../loop/probing.ts";
import { type QuietLanes, superviseClone, superviseOnce } from "../loop/supervise.ts";
import type { Ground } from "./ground.ts";

/** What hears instances and judges their silence. */
export interface InstanceParts {
  readonly ingest: Ingest;
  readonly actions: Actions;
  readonly arrivals: Arrivals;
  /** Records what fell due. `readLagMs`: how late our own loop was since it was asked last; asked more than once. */
  supervise(readLagMs: () => number): Promise<boolean>;
}

export function assembleInstances(ground: Ground): InstanceParts {
  const { parts, recorder, declared, calendar } = ground;
  const { store, drivers, clock, log } = parts;
  const watching = createWatching(clock);
  const prober = createProber({ drivers, clock, log });
  const quiet: QuietLanes = new Map();
  return {
    ingest: createIngest({
      recorder,
      store,
      clock,
      onUsage: (clone) => superviseClone(clone, { recorder, watching }),
    }),
    actions: createActions({ recorder, store, clock }),
    arrivals: createArrivals(),
    supervise(readLagMs) {
      watching.begin(readLagMs);
      return superviseOnce({ recorder, watching, prober, policy: declared.policy(), calendar, quiet });
    },
  };
}
