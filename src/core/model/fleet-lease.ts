/**
 * The right to act on a fleet repository, as it stands on the status branch: of all installations that obey one
 * repository, the one that is named here starts, assigns and lets agents act; the others do nothing.
 */
export interface FleetLease {
  /** Name of the installation, for people. */
  readonly installation: string;
  /** Its public key, as OpenSSH writes it. The commit that brings the lease is signed with it. */
  readonly key: string;
  /** The machine by its name, for people. */
  readonly host: string;
  /**
   * Which machine and boot it is, and where on it the data lies, as digests: whoever stands on the same machine can
   * find out whether that controller still lives.
   */
  readonly machine: string;
  readonly home: string;
  /** Which data directory it is; a copy of it is another one. */
  readonly directory: string;
  /** +1 with each taking, never with a renewal. */
  readonly term: number;
  /** Made at the taking: by it a holder knows its own lease again. */
  readonly nonce: string;
  /** +1 with each renewal: the content changes, so that others see that it lives. */
  readonly beat: number;
  /** How long it holds from the moment in which somebody saw the newest beat first, by their own steady clock. */
  readonly forMs: number;
  /** Given back: nobody has to wait for its end. */
  readonly released: boolean;
}

/** Where it stands on the status branch. */
export const LEASE_PATH = ".factory/lease.json";
