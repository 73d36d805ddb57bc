import { iso } from "../../core/model/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import { fieldText, jsonFields } from "./fields.ts";
import { createRedactor } from "./redact.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogOptions {
  /** The least that is written. */
  readonly level: LogLevel;
  /** One JSON object per line for machines, or one line of text for people. */
  readonly json: boolean;
  readonly stream: { write(line: string): unknown };
  readonly clock: Pick<Clock, "now">;
  /** Secret values. Read anew for every line, so that a secret resolved later is covered from then on. */
  readonly redact: Iterable<string>;
}

/** Characters of one line; what is longer was meant for a file. */
const LINE_CHARS_MAX = 16_384;

/**
 * Writes one line per entry. Secret values are blanked out in message and
 * fields alike. An entry never throws: a value that cannot be printed is
 * described, and a stream that fails is its owner's trouble, not the caller's.
 */
export function createLog(options: LogOptions): Log {
  const { json, stream, clock } = options;
  const least = LOG_LEVELS.indexOf(options.level);
  const redactor = createRedactor(options.redact);

  function write(
    level: LogLevel,
    message: string,
    fields: Readonly<Record<string, unknown>> | undefined,
  ): void {
    if (LOG_LEVELS.indexOf(level) < least) return;
    const redact = redactor();
    const at = iso(clock.now());
    const line = json
      ? JSON.stringify({ at, level, message: redact(message), ...jsonFields(fields, redact) })
      : `${at} ${level.toUpperCase().padEnd(5)} ${oneLine(redact(message))}${fieldText(fields, redact)}`;
    try {
      stream.write(`${shorten(line, { json, at, level })}\n`);
    } catch {
      // A closed pipe must not end a controller.
    }
  }

  return {
    debug: (message, fields) => write("debug", message, fields),
    info: (message, fields) => write("info", message, fields),
    warn: (message, fields) => write("warn", message, fields),
    error: (message, fields) => write("error", message, fields),
  };
}

/** A line that is too long stays a valid one: JSON is wrapped as text instead of being cut in two. */
function shorten(line: string, entry: { json: boolean; at: string; level: LogLevel }): string {
  if (line.length <= LINE_CHARS_MAX) return line;
  const cut = line.slice(0, LINE_CHARS_MAX / 2);
  if (!entry.json) return `${cut}…`;
  return JSON.stringify({
    at: entry.at,
    level: entry.level,
    message: "entry cut, it was too long",
    start: cut,
  });
}

function oneLine(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ");
}
