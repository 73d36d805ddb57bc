/**
 * The right to act as the controller of one record. One holder at a time has it, each with a term of its own: the
 * higher term wins, and every batch that goes to the record carries it, so that a holder which was replaced without
 * noticing is refused by the store (`Store.commit`).
 *
 * Where the lease lies is the adapter's business: in the record's own database, on a branch of the fleet
 * repository, in a cluster. It knows nothing of the record beyond the number `above`.
 */
export interface Lease {
  /**
   * Takes the right to act. The term of the answer is higher than every term that this lease ever granted and than
   * `above`, and it is durable before it is answered: after a crash of everybody nobody is granted it again.
   *
   * Rejects `lease/held` (`wait`) while another holder's grant still runs and cannot be taken over, and
   * `lease/unreachable` (`retry`) when the place where it lies does not answer. A lease whose holder is known to be
   * gone by other means, as by the lock of a file, is taken over at once.
   */
  acquire(request: LeaseRequest, signal: AbortSignal): Promise<LeaseGrant>;

  /**
   * Prolongs a grant; its term stays. Rejects `lease/lost` (`yield`) once a higher term was granted, for good, and
   * `lease/unreachable` (`retry`) when that cannot be found out.
   */
  renew(grant: LeaseGrant, signal: AbortSignal): Promise<LeaseGrant>;

  /** Gives the right back, so that the next holder need not wait. The term is not used again. Safe to repeat; of a lost grant it changes nothing. */
  release(grant: LeaseGrant): Promise<void>;
}

export interface LeaseRequest {
  /** Who asks, for people: installation, process, machine. */
  readonly holder: string;
  /** The highest term that the record has seen; 0 for one that has seen none. */
  readonly above: number;
}

export interface LeaseGrant {
  /** 1, 2, 3 …; with gaps. */
  readonly term: number;
  readonly holder: string;
  /**
   * How long it holds, from the moment at which `acquire` or `renew` was called, by the holder's steady clock.
   * Null: until somebody else takes over, as where a lock proves that the holder lives.
   */
  readonly forMs: number | null;
}
