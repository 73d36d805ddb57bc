/** The lease that this installation took last, and when it was renewed: kept on record, so that a restart knows it again while the origin is away. */
import { holdsFor } from "../../core/fleet/lease/judge-lease.ts";
import { leaseText, readLease } from "../../core/fleet/lease/lease-text.ts";
import type { FleetLease } from "../../core/model/fleet-lease.ts";
import type { Instant } from "../../core/model/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { LeasePlace } from "../../ports/lease-place.ts";
import type { Recorder } from "./recorder.ts";

export interface OwnLease {
  /** Null: it never took one. */
  readonly lease: FleetLease | null;
  /** Null: not renewed, as far as is known. */
  readonly renewedAt: Instant | null;
  /** By the steady clock, and by the other one, which goes on while a machine sleeps: whichever says more. */
  renewedAgoMs(): number;
  /** Whether its time is not over, by our own clocks. */
  holds(): boolean;
  /** It is about to be pushed. On record before that: by its nonce it is known again, also after a crash before the answer. */
  intend(lease: FleetLease): Promise<void>;
  /** It was pushed, at some moment after this one. */
  renewed(lease: FleetLease, from: Moment): Promise<void>;
}

/** By both clocks: between two of them a machine may have slept, or its wall clock may have been set. */
export interface Moment {
  readonly bootMs: number;
  readonly at: Instant;
}

interface Remembered {
  readonly text: string;
  readonly renewed: Renewed | null;
}

interface Renewed extends Moment {
  readonly machine: string;
}

const SETTING = "fleet_lease";

/** What the record of somebody who took the lease before there was a controller has to hold. */
export function rememberedLease(
  lease: FleetLease,
  renewed: { readonly machine: string; readonly bootMs: number; readonly at: Instant },
): string {
  const kept: Remembered = { text: leaseText(lease), renewed };
  return JSON.stringify(kept);
}

export function createOwnLease(parts: {
  readonly place: LeasePlace;
  readonly recorder: Pick<Recorder, "settings" | "putSettings">;
  readonly clock: Clock;
}): OwnLease {
  const { place, recorder, clock } = parts;
  const stored = recorder.settings.get(SETTING);
  const remembered = stored === undefined ? null : (JSON.parse(stored) as Remembered);
  let lease = remembered === null ? null : readLease(remembered.text);
  // A copy of the data directory remembers what the other one took. And where somebody of this machine proved that nobody worked
  // here, what is remembered may be over. In both cases the branch is asked first.
  const doubtful = lease?.directory !== place.directory || place.superseded();
  let renewed = doubtful ? null : (remembered?.renewed ?? null);

  async function remember(): Promise<void> {
    if (lease === null) return;
    const kept: Remembered = { text: leaseText(lease), renewed };
    await recorder.putSettings({ [SETTING]: JSON.stringify(kept) });
  }

  function renewedAgoMs(): number {
    if (renewed === null) return Number.POSITIVE_INFINITY;
    const steadyMs = renewed.machine === place.machine ? place.bootMs() - renewed.bootMs : 0;
    return Math.max(steadyMs, clock.now() - renewed.at);
  }

  return {
    get lease() {
      return lease;
    },
    get renewedAt() {
      return renewed?.at ?? null;
    },
    renewedAgoMs,
    holds: () => lease !== null && !lease.released && renewedAgoMs() < holdsFor(lease.forMs),
    async intend(next) {
      const known = next.nonce === lease?.nonce;
      lease = next;
      renewed = null;
      if (!known) await remember();
    },
    async renewed(next, from) {
      lease = next;
      renewed = { machine: place.machine, ...from };
      await remember();
    },
  };
}
