/**
 * The shim's durable outbox: one JSON line per event, appended and synced
 * before anybody is told, numbered 1, 2, 3 … without gaps.
 *
 * A crash in the middle of an append leaves a torn last line, which was never
 * promised to anybody and is ignored. What the receiver has acknowledged is kept in
 * `outbox.ack`; losing that file means sending again, which receivers bear.
 */
import {
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { WireEvent } from "../api/event.ts";
import { hasCode, writeFully } from "./files.ts";
import { withSpare } from "./spare-descriptors.ts";

export interface ShimOutbox {
  /** Durable on return, unless the disk refuses; then it is kept in memory and written with the next one that succeeds. */
  append(make: (seq: number) => WireEvent): WireEvent;
  /** The oldest event that is not acknowledged. */
  next(): WireEvent | null;
  acknowledge(seq: number): void;
  lastSeq(): number;
  /** Long outage or full disk: from here on only what must not be lost should be appended. */
  crowded(): boolean;
  /** At most `limit` events above `seq`. */
  after(seq: number, limit: number): readonly WireEvent[];
}

export function openShimOutbox(instanceDirectory: string): ShimOutbox {
  const fd = openSync(join(instanceDirectory, "outbox.jsonl"), "a+", 0o600);
  const unsaved: WireEvent[] = [];
  let waiting: WireEvent[] = []; // A window; what does not fit is read from the file later.
  let lastSeq = 0;
  let acknowledged = 0;
  let size = fstatSync(fd).size;

  function save(): void {
    const text = unsaved.map((event) => `${JSON.stringify(event)}\n`).join("");
    try {
      writeFully(fd, Buffer.from(text));
      fdatasyncSync(fd);
      size += Buffer.byteLength(text);
      unsaved.length = 0;
    } catch {
      // A part of it may stand there: without this, the next line would be glued to it.
      ftruncateSync(fd, size);
    }
  }

  return {
    append(make) {
      lastSeq += 1;
      const event = make(lastSeq);
      const previous = waiting.at(-1)?.seq ?? acknowledged;
      if (previous === lastSeq - 1 && waiting.length < WAITING_MAX) waiting.push(event);
      unsaved.push(event);
      save();
      return event;
    },
    next() {
      if (waiting.length === 0 && acknowledged < lastSeq) waiting = [...after(acknowledged, WAITING_MAX)];
      return waiting[0] ?? null;
    },
    acknowledge(seq) {
      acknowledged = Math.max(acknowledged, seq);
      while (waiting[0] !== undefined && waiting[0].seq <= acknowledged) waiting.shift();
      saveAcknowledged(instanceDirectory, acknowledged);
    },
    lastSeq: () => lastSeq,
    crowded: () => size > OUTBOX_BYTES_MAX || unsaved.length > UNSAVED_MAX,
    after,
  };

  function after(seq: number, limit: number): readonly WireEvent[] {
    const saved = readOutbox(instanceDirectory, seq, limit);
    const rest = unsaved.filter((event) => event.seq > (saved.at(-1)?.seq ?? seq));
    return [...saved, ...rest].slice(0, limit);
  }
}

/** Ordinary progress stops being recorded beyond this; beginnings and ends never do. */
const OUTBOX_BYTES_MAX = 16 * 1024 * 1024;
const UNSAVED_MAX = 1_000;
const WAITING_MAX = 256;

/** Events above `afterSeq`, in order; works without the shim, and stops at a torn or damaged line. */
export function readOutbox(
  instanceDirectory: string,
  afterSeq: number,
  limit = Number.POSITIVE_INFINITY,
): readonly WireEvent[] {
  let text: string;
  try {
    text = withSpare(() => readFileSync(join(instanceDirectory, "outbox.jsonl"), "utf8"));
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
  const events: WireEvent[] = [];
  for (const line of text.slice(0, text.lastIndexOf("\n") + 1).split("\n")) {
    if (line === "") continue;
    const event = parseLine(line);
    if (event === null) break;
    if (event.seq > afterSeq) events.push(event);
    if (events.length >= limit) break;
  }
  return events;
}

/** The highest acknowledged `seq`; 0 when nothing is known. */
export function readAcknowledged(instanceDirectory: string): number {
  try {
    const seq = Number(withSpare(() => readFileSync(join(instanceDirectory, "outbox.ack"), "utf8")));
    return Number.isInteger(seq) ? seq : 0;
  } catch {
    return 0;
  }
}

function saveAcknowledged(instanceDirectory: string, seq: number): void {
  const path = join(instanceDirectory, "outbox.ack");
  try {
    // Not synced: an older number after a power cut only means sending again.
    writeFileSync(`${path}.tmp`, String(seq), { mode: 0o600 });
    renameSync(`${path}.tmp`, path);
  } catch {
    // Sending again after a restart is all it costs.
  }
}

function parseLine(line: string): WireEvent | null {
  try {
    return JSON.parse(line) as WireEvent;
  } catch {
    return null;
  }
}
