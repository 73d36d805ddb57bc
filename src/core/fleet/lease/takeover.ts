/** What somebody who rebuilds a lost record may take over, and what of it stays unproven. Pure. */
import type { FleetLease } from "../../model/fleet-lease.ts";
import { SECOND_MS } from "../../model/time.ts";
import { holderText } from "./lease-text.ts";

/**
 * Epochs of one term: whoever takes over begins above everything that an older term can ever have made, so the epoch of
 * whoever lost is always the lower one.
 */
export const EPOCHS_PER_TERM = 1_000_000;

export interface TakeoverFacts {
  /** What stands on the branch; null: nobody ever took it. */
  readonly lease: FleetLease | null;
  /** It was taken in this very data directory, or in one that stood in its place. */
  readonly here: boolean;
  /** The process that held it is proven to be gone. */
  readonly holderGone: boolean;
  /** What it started on this machine can be looked at and ended with proof. */
  readonly reachable: boolean;
  /** How long the lease has stood unchanged, by our own steady clock. */
  readonly standingMs: number;
  /** The installation of which a person says that its controller and everything that it started are gone. */
  readonly saidGone: string | null;
}

export type Takeover =
  | {
      readonly type: "may";
      /** Of the lease that is taken. */
      readonly term: number;
      /** No epoch up to this one is used. */
      readonly epochFloor: number;
      /** Why lanes whose instances may live elsewhere wait for a person; null: nothing lives that is not seen. */
      readonly unproven: string | null;
      /** On what it rests. */
      readonly because: string;
    }
  | { readonly type: "wait"; readonly leftMs: number; readonly message: string };

export function judgeTakeover(facts: TakeoverFacts): Takeover {
  const { lease } = facts;
  if (lease === null)
    return { type: "may", term: 1, epochFloor: 0, unproven: null, because: "nobody held the right to act" };
  const term = lease.term + 1;
  const may = (because: string, unproven: string | null): Takeover => ({
    type: "may",
    term,
    epochFloor: facts.here ? 0 : lease.term * EPOCHS_PER_TERM,
    unproven,
    because,
  });
  if (facts.here) return may("it was held in this data directory", null);
  if (facts.saidGone === lease.installation)
    return may(`a person says that ${holderText(lease)} and everything that it started are gone`, null);
  const unseen = facts.reachable
    ? null
    : `${holderText(lease)} started it on a machine that cannot be looked at from here`;
  if (lease.released) return may(`${holderText(lease)} gave it back`, unseen);
  if (facts.holderGone) return may(`the controller of ${holderText(lease)} is proven to be gone`, unseen);
  const leftMs = lease.forMs - facts.standingMs;
  if (leftMs <= 0)
    return may(
      `${holderText(lease)} has not renewed it for ${Math.round(facts.standingMs / SECOND_MS)} s, as seen from here`,
      unseen,
    );
  return { type: "wait", leftMs, message: waitText(lease, leftMs) };
}

function waitText(lease: FleetLease, leftMs: number): string {
  return (
    `${holderText(lease)} has the right to act on this repository, and may be at work. ` +
    `Ask again in ${Math.ceil(leftMs / SECOND_MS)} s: if it has not renewed it by then, it can be taken over. ` +
    `If you know that this machine and everything it started are off, say --gone ${lease.installation}`
  );
}
