import { canonicalJson, sha256Hex } from "../model/digest.ts";
import type { Instant } from "../model/time.ts";

/** What stands before the first event. */
export const GENESIS_HASH = "0".repeat(64);

/** The end of the chain: 0 and `GENESIS_HASH` while nothing was recorded. */
export interface ChainHead {
  readonly seq: number;
  readonly hash: string;
}

export const EMPTY_CHAIN: ChainHead = { seq: 0, hash: GENESIS_HASH };

/** One event as the chain covers it; `eventText` is its canonical JSON, exactly as it is kept. */
export interface ChainLink {
  readonly seq: number;
  readonly at: Instant;
  /** Null: the event is the fleet's. */
  readonly clone: string | null;
  readonly missionId: string | null;
  readonly eventText: string;
}

/**
 * Hash of one link, hex: sha256 over the previous hash followed by the
 * canonical JSON of `{at, clone, event, missionId, seq}`. The text is put
 * together here instead of parsed and printed again, so that a walk over the
 * chain reads every event once and judges the very bytes that are stored.
 */
export function linkHash(prevHash: string, link: ChainLink): string {
  const { seq, at, clone, missionId, eventText } = link;
  const body = `{"at":${at},"clone":${JSON.stringify(clone)},"event":${eventText},"missionId":${JSON.stringify(missionId)},"seq":${seq}}`;
  return sha256Hex(prevHash + body);
}

/** The canonical text of an event, as it is kept and hashed. */
export function eventText(event: unknown): string {
  return canonicalJson(event);
}

/** Whether an event of the chain is a clone's, and not the fleet's. */
export function isOfClone<Stored extends { readonly clone: string | null }>(
  stored: Stored,
): stored is Extract<Stored, { readonly clone: string }> {
  return stored.clone !== null;
}

export function isOfFleet<Stored extends { readonly clone: string | null }>(
  stored: Stored,
): stored is Extract<Stored, { readonly clone: null }> {
  return stored.clone === null;
}
