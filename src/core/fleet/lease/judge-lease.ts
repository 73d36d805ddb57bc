/**
 * Whose the right to act is. Pure: what was seen of the lease, since when, and what is known of its holder.
 *
 *   free ──► taken with a compare-and-swap, a term higher than the last
 *   ours ──► goes on; once it lapsed, only after a renewal that the origin took
 *   held ──► nothing is begun; looked at again
 *
 * Nobody trusts the clock of another: a lease has run out when its content has stood still for its whole time by the clock
 * of whoever looks. The holder counts from before it pushed, and stops at nine tenths, so it has stood down
 * before anybody may take over.
 */
import type { FleetLease } from "../../model/fleet-lease.ts";

/** The holder renews when so much of it is over: two more tries fit into the rest. */
export const RENEWALS_PER_LEASE = 3;
/** The part of the time after which the holder stands down: clocks do not run equally fast, and what is under way has to end. */
export const HOLDER_PART = 0.9;

/** What this controller is known by. */
export interface Claimant {
  readonly key: string;
  readonly directory: string;
  /** Of the lease that it took last, on record before it was pushed; null: it never took one. */
  readonly nonce: string | null;
}

export type LeaseVerdict =
  /** Nobody holds it. `because` goes into the record and to people. */
  | { readonly type: "free"; readonly because: string }
  | { readonly type: "ours" }
  /** `leftMs`: how long it has to stand still from now on to have run out. `copied`: it is held with our own key. */
  | { readonly type: "held"; readonly leftMs: number; readonly copied: boolean };

export function judgeLease(
  /** What stands on the branch; null: nothing. */
  lease: FleetLease | null,
  by: {
    readonly me: Claimant;
    /** How long that content has stood there unchanged, by our steady clock since we saw it first. */
    readonly standingMs: number;
    /** Whether the process that holds it is proven to be gone. */
    readonly holderGone: boolean;
  },
): LeaseVerdict {
  if (lease === null) return { type: "free", because: "nobody held it" };
  const { me, standingMs } = by;
  const own = lease.key === me.key;
  if (own && lease.directory === me.directory && lease.nonce === me.nonce && !lease.released)
    return { type: "ours" };
  if (lease.released) return { type: "free", because: `${lease.installation} gave it back` };
  if (by.holderGone)
    return { type: "free", because: `the controller of ${lease.installation} is proven to be gone` };
  // The same directory with the same key: its record has one holder, and that is us, so whatever stands there is of a time that is over.
  if (own && lease.directory === me.directory)
    return { type: "free", because: "it was taken from this data directory before its record began anew" };
  const leftMs = lease.forMs - standingMs;
  if (leftMs <= 0)
    return {
      type: "free",
      because: `${lease.installation} has not renewed it for ${Math.round(lease.forMs / 1_000)} s`,
    };
  return { type: "held", leftMs, copied: own };
}

/** Until when a holder may act, by its own clock: `renewedAt` is from before the push. */
export function holdsFor(forMs: number): number {
  return forMs * HOLDER_PART;
}
