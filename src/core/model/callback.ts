import type { Instant } from "./time.ts";

/** How an instance's reports get to us: over its callback, or past it, through the driver. */
export interface CallbackState {
  /** Since when we know that its heartbeats do not get through while the driver reaches it; null: they do, or nobody knows. */
  readonly downSince: Instant | null;
  /** Not before this its outbox is read again; null: no reading was asked for. */
  readonly pullAt: Instant | null;
  /** When a gap was last put on the list of incidents. */
  readonly toldAt: Instant | null;
  /** Reports that we refused for good and that its shim has set aside, newest last, at most `REFUSED_MAX`. */
  readonly refused: readonly RefusedReport[];
  /** How many those were altogether. */
  readonly refusedSeen: number;
  /** When we last heard of one. */
  readonly refusedAt: Instant | null;
}

/** One line of a shim's dead letters. The report itself is still in its outbox. */
export interface RefusedReport {
  readonly seq: number;
  readonly reportType: string;
  /** HTTP status with which it was refused. */
  readonly status: number;
}

export const REFUSED_MAX = 20;

export const FRESH_CALLBACK: CallbackState = {
  downSince: null,
  pullAt: null,
  toldAt: null,
  refused: [],
  refusedSeen: 0,
  refusedAt: null,
};
