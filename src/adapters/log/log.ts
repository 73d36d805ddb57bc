import { pino } from "pino";
import { createRedactor, type Redactor } from "../../core/model/redact.ts";
import { iso } from "../../core/model/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import { fieldText, plainFields } from "./fields.ts";

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
  const redactor = redactorOf(options.redact);
  const logger = pino(
    {
      level: options.level,
      base: null,
      messageKey: "message",
      timestamp: () => `,"at":"${iso(options.clock.now())}"`,
      formatters: { level: (level) => ({ level }) },
    },
    {
      write(line: string) {
        try {
          options.stream.write(`${options.json ? jsonLine(line) : textLine(line)}\n`);
        } catch {
          // A closed pipe must not end a controller.
        }
      },
    },
  );

  function write(level: "debug" | "info" | "warn" | "error", message: string, fields: Fields): void {
    if (!logger.isLevelEnabled(level)) return;
    const { text } = redactor();
    logger[level](plainFields(fields, text), text(message));
  }

  return {
    debug: (message, fields) => write("debug", message, fields),
    info: (message, fields) => write("info", message, fields),
    warn: (message, fields) => write("warn", message, fields),
    error: (message, fields) => write("error", message, fields),
  };
}

type Fields = Readonly<Record<string, unknown>> | undefined;

interface WrittenLine {
  readonly level: string;
  readonly at: string;
  readonly message: string;
}

/** A line that is too long stays a valid one: it is wrapped as text instead of being cut in two. */
function jsonLine(written: string): string {
  const line = written.trimEnd();
  if (line.length <= LINE_CHARS_MAX) return line;
  const { at, level } = JSON.parse(line) as WrittenLine;
  const start = line.slice(0, LINE_CHARS_MAX / 2);
  return JSON.stringify({ at, level, message: "entry cut, it was too long", start });
}

function textLine(written: string): string {
  const { level, at, message, ...fields } = JSON.parse(written) as WrittenLine & Record<string, unknown>;
  const line = `${at} ${level.toUpperCase().padEnd(5)} ${oneLine(message)}${fieldText(fields)}`;
  return line.length <= LINE_CHARS_MAX ? line : `${line.slice(0, LINE_CHARS_MAX / 2)}…`;
}

/** Made anew only when a secret was resolved since the last line. */
function redactorOf(values: Iterable<string>): () => Redactor {
  let known = "";
  let redactor = createRedactor([]);
  return () => {
    const secrets = [...values];
    const key = secrets.join("\0");
    if (key !== known) {
      known = key;
      redactor = createRedactor(secrets);
    }
    return redactor;
  };
}

function oneLine(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ");
}
