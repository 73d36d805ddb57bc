/**
 * What the agent printed that is not an event: two files of at most
 * `TRANSCRIPT_BYTES_MAX` each, the older one dropped when the newer is full.
 * Every byte passes the redactor first.
 */
import { closeSync, openSync, renameSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Redactor } from "../core/model/redact.ts";

export const TRANSCRIPT_BYTES_MAX = 4 * 1024 * 1024;
export const TRANSCRIPT_FILES = ["transcript.1.log", "transcript.log"] as const; // Oldest first.

export interface Transcript {
  /** A sink for one stream; each has its own memory of what could be the beginning of a secret. */
  open(onShown?: (text: string) => void): { write(text: string): void; end(): void };
  /** A line of the shim's own, marked as such. */
  note(text: string): void;
  close(): void;
}

export function openTranscript(instanceDirectory: string, redactor: Redactor): Transcript {
  const [older, newer] = TRANSCRIPT_FILES;
  const path = join(instanceDirectory, newer);
  let fd = openSync(path, "a", 0o600);
  let bytes = statSync(path).size;

  /** A full disk costs transcript, never the instance. */
  function append(text: string): void {
    if (text === "") return;
    try {
      bytes += writeSync(fd, text);
      if (bytes < TRANSCRIPT_BYTES_MAX) return;
      renameSync(path, join(instanceDirectory, older));
      closeSync(fd);
      fd = openSync(path, "a", 0o600);
      bytes = 0;
    } catch {
      // Nothing that could be told anywhere else.
    }
  }

  return {
    open(onShown) {
      const stream = redactor.stream();
      const show = (text: string): void => {
        append(text);
        onShown?.(text);
      };
      return { write: (text) => show(stream.push(text)), end: () => show(stream.flush()) };
    },
    note: (text) => append(`[factory] ${redactor.text(text)}\n`),
    close: () => closeSync(fd),
  };
}
