/**
 * What the controller refused for good, one JSON line each, beside the outbox
 * that still holds the events themselves. Read through the driver by the
 * controller, which cannot be told over the way that refuses.
 */
import { join } from "node:path";
import type { WireEvent } from "../api/event.ts";
import type { RefusedReport } from "../core/model/callback.ts";
import { appendDurably, isRecord, readJsonLines } from "./files.ts";

const FILE = "dead-letters.jsonl";

/** On the disk on return. A disk that refuses costs the letter, not the event: that is safe in the outbox. */
export function keepDeadLetter(instanceDirectory: string, event: WireEvent, status: number): void {
  const line = { seq: event.seq, event_type: event.event_type, status, key: event.idempotency_key };
  try {
    appendDurably(join(instanceDirectory, FILE), `${JSON.stringify(line)}\n`);
  } catch {
    // The next refusal tries again, and the gap in the numbers is noticed all the same.
  }
}

/** Every letter that can be read, in order; a line that a crash cut short is left out. Works without the shim. */
export function readDeadLetters(instanceDirectory: string): readonly RefusedReport[] {
  return (readJsonLines(join(instanceDirectory, FILE)) ?? []).flatMap((value) => {
    if (!isRecord(value)) return [];
    const { seq, event_type: reportType, status } = value;
    return typeof seq === "number" && typeof reportType === "string" && typeof status === "number"
      ? [{ seq, reportType, status }]
      : [];
  });
}
