import { MINUTE_MS, SECOND_MS } from "../../core/model/time.ts";

/** Bytes of a request body, checked before anything of it is parsed. The largest event, with its detail at its own cap, fits in it. */
export const BODY_BYTES_MAX = 256 * 1024;
/** Events of one batch: more than a shim's outbox gathers while a controller restarts; the rest goes into the next batch. */
export const BATCH_EVENTS_MAX = 256;
/** Levels of nesting in a body. Ours have five; a deeper one is made to exhaust a stack. */
export const JSON_DEPTH_MAX = 32;
/** Wrong fields named in one answer. */
export const PROBLEM_FIELDS_MAX = 20;
/** Characters of a found value that an answer repeats. */
export const FOUND_CHARS_MAX = 80;

/** Of the name of the person who acts. */
export const ACTOR_CHARS_MAX = 128;

/** All headers of a request together. */
export const HEADER_BYTES_MAX = 16 * 1024;
/** Until the headers are in: nobody who means well is slower. */
export const HEADERS_TIMEOUT_MS = 10 * SECOND_MS;
/** Until the whole request is in. How long an answer takes is not limited: `reconcile` waits for a pass. */
export const REQUEST_TIMEOUT_MS = 30 * SECOND_MS;
/** An idle connection is kept for longer than a heartbeat interval, so that shims need not connect anew. */
export const KEEP_ALIVE_TIMEOUT_MS = 2 * MINUTE_MS;
/** Connections at the same time: one per shim of a large fleet, and people. */
const CONNECTIONS_MAX = 20_000;
/**
 * What each listener may take of the descriptors of this process. More than a third is left for files, programs
 * and the connections that we open ourselves. Whoever finds all taken is let in for one that is idle.
 */
const CONNECTION_SHARES = { socket: 1 / 4, network: 1 / 4, older: 1 / 16 } as const;
export type ListenerKind = keyof typeof CONNECTION_SHARES;

export function connectionsMaxOf(listener: ListenerKind, descriptors: number): number {
  return Math.max(1, Math.min(CONNECTIONS_MAX, Math.floor(descriptors * CONNECTION_SHARES[listener])));
}

/** Until a connection has to have shown a token that is known here. Our own clients send it with their first byte. */
export const UNPROVEN_MS = 10 * SECOND_MS;
/** Between asking connections to end and ending them. */
export const CLOSE_DEADLINE_MS = 5 * SECOND_MS;

/** What a sender waits before it sends again: a gap closes at once; trouble of ours, and a restart, take a little longer. */
export const RETRY_AFTER_GAP_SECONDS = 1;
export const RETRY_AFTER_TROUBLE_SECONDS = 2;
