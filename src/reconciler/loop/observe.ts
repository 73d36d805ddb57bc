import type { CloneState } from "../../core/model/clone-state.ts";
import type { PendingDeletion } from "../../core/model/deletion.ts";
import { asFactoryError } from "../../core/model/error.ts";
import type { Pin } from "../../core/model/guardrail.ts";
import type { ObservedInstance } from "../../core/model/instance.ts";
import type { SwitchEntry } from "../../core/model/kill-switch.ts";
import type { Rollout } from "../../core/model/rollout.ts";
import type { ObservedState } from "../../core/plan/observed.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Driver } from "../../ports/driver.ts";
import { withTimeLimit } from "./time-limit.ts";

/** Longest time that one listing may take; a driver that hangs must not stop supervision. */
const LISTING_TIMEOUT_MS = 30_000;

/** Asks every driver what lives. One that cannot say makes the whole fleetSnapshot incomplete, and says why. */
export async function observe(
  drivers: ReadonlyMap<string, Driver>,
  record: {
    readonly states: ReadonlyMap<string, CloneState>;
    readonly pendingDeletion: PendingDeletion | null;
    readonly pin: Pin | null;
    readonly rollouts: ReadonlyMap<string, Rollout> | null;
    readonly killSwitch: readonly SwitchEntry[];
  },
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Omit<ObservedState, "doubt">> {
  // Taken before anybody is asked, and a copy: a listing that is older than the record would bury
  // what came up since, or take for a stray what was just put to rest.
  const states = new Map(record.states);
  const instances: ObservedInstance[] = [];
  const problems: string[] = [];
  for (const driver of drivers.values()) {
    try {
      const what = `the listing of driver ${driver.name}`;
      const listing = await withTimeLimit({ ms: LISTING_TIMEOUT_MS, what, clock, signal }, (until) =>
        driver.list(until),
      );
      instances.push(...listing.instances);
      if (!listing.complete)
        problems.push(`driver ${driver.name}: ${listing.problem ?? "the listing is not complete"}`);
    } catch (error) {
      problems.push(`driver ${driver.name}: ${asFactoryError(error).message}`);
    }
  }
  return {
    complete: problems.length === 0,
    problem: problems.length === 0 ? null : problems.join("; "),
    instances,
    states,
    pendingDeletion: record.pendingDeletion,
    pin: record.pin,
    rollouts: record.rollouts,
    killSwitch: record.killSwitch,
  };
}
