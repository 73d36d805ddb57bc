import type { FleetLease } from "../core/model/fleet-lease.ts";

/** What this controller is known by in the lease of its fleet repository, and what its machine can tell of other holders. */
export interface LeasePlace {
  /** Public key of this installation. */
  readonly key: string;
  readonly host: string;
  readonly machine: string;
  readonly home: string;
  readonly directory: string;
  nonce(): string;
  /**
   * Milliseconds since this machine was started, by a clock that nobody sets and that goes on between processes: what
   * one controller wrote down of it means the same to the next, as long as `machine` is the same.
   */
  bootMs(): number;
  /** Whether this machine proves that the controller which holds a lease has ended. False where it cannot tell. */
  holderGone(lease: FleetLease): boolean;
  /** What was seen of the lease of others, for whoever looks after us; null: nothing. */
  readSighting(): LeaseSighting | null;
  /** Best effort: without it the next one waits anew. */
  writeSighting(sighting: LeaseSighting): void;
  /** Another installation of this machine took over what this one held, by proof that nobody worked here. */
  superseded(): boolean;
  /** What stands in the way of that is over: the branch was looked at since. */
  forgetSuperseded(): void;
}

/** Since when a lease stands as it does. */
export interface LeaseSighting {
  readonly text: string;
  readonly machine: string;
  readonly firstSeenBootMs: number;
}
