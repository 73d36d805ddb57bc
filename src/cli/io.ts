import { stripVTControlCharacters, styleText } from "node:util";
import cliTruncate from "cli-truncate";
import { plainLine, plainLines } from "../core/model/plain-text.ts";

export type Colour = "bold" | "dim" | "red" | "green" | "yellow" | "blue" | "cyan" | "magenta";

/** Where a command writes to, and what the one who reads can take. */
export interface Io {
  /** Columns of the terminal; 80 where there is none. */
  readonly width: number;
  readonly color: boolean;
  readonly outIsTerminal: boolean;
  readonly errIsTerminal: boolean;
  /** Results, on standard output. A line feed is added. */
  out(text: string): void;
  /** As it is, without a line feed. */
  raw(text: string): void;
  json(value: unknown): void;
  /** Everything that is not the result. */
  err(text: string): void;
  /** Progress: overwritten in place on a terminal, nothing elsewhere. */
  progress(text: string): void;
  paint(colour: Colour | readonly Colour[], text: string): string;
  /** A pipe that was closed no longer ends the process: for what has to go on without readers. */
  outliveReaders(): void;
}

const WIDTH_DEFAULT = 80;
/** Narrower terminals get lines that wrap; tables of a few columns would hold nothing. */
const WIDTH_MIN = 40;
/** Longer lines are hard to read; tables gain nothing from more. */
const WIDTH_MAX = 140;

export interface IoOptions {
  /** `--no-color` gives false. */
  readonly color?: boolean;
  readonly pipeClosed: () => void;
}

export function createIo(options: IoOptions): Io {
  const { stdout, stderr } = process;
  const color = options.color !== false && wantsColour(stdout.isTTY === true);
  let ends = true;
  let pending = "";
  for (const stream of [stdout, stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      if (ends) options.pipeClosed();
    });
  }

  function clearProgress(): void {
    if (pending === "") return;
    stderr.write("\r\u001b[K");
    pending = "";
  }

  return {
    width: Math.min(
      WIDTH_MAX,
      Math.max(WIDTH_MIN, stdout.isTTY === true ? (stdout.columns ?? WIDTH_DEFAULT) : WIDTH_DEFAULT),
    ),
    color,
    outIsTerminal: stdout.isTTY === true,
    errIsTerminal: stderr.isTTY === true,
    out(text) {
      clearProgress();
      stdout.write(`${text}\n`);
    },
    raw(text) {
      clearProgress();
      stdout.write(text);
    },
    json(value) {
      clearProgress();
      stdout.write(`${JSON.stringify(value, null, 2)}\n`);
    },
    err(text) {
      clearProgress();
      stderr.write(`${text}\n`);
    },
    progress(text) {
      if (stderr.isTTY !== true) return;
      const line = clip(text, (stderr.columns ?? WIDTH_DEFAULT) - 1);
      if (line === pending) return;
      clearProgress();
      stderr.write(line);
      pending = line;
    },
    paint: (colour, text) =>
      color ? styleText(colour as Parameters<typeof styleText>[0], text, { validateStream: false }) : text,
    outliveReaders() {
      ends = false;
    },
  };
}

function wantsColour(isTerminal: boolean): boolean {
  const { env } = process;
  if ((env["NO_COLOR"] ?? "") !== "") return false;
  if ((env["FORCE_COLOR"] ?? "") !== "" && env["FORCE_COLOR"] !== "0") return true;
  return isTerminal && env["TERM"] !== "dumb";
}

/**
 * Text that an agent or a stranger's file may have written, on one line and
 * without anything that could steer a terminal.
 */
export function oneLine(text: string): string {
  return plainLine(stripVTControlCharacters(text));
}

/** Several lines, each cleaned of what could steer a terminal; tabs and line feeds stay. */
export function manyLines(text: string): string {
  return plainLines(stripVTControlCharacters(text));
}

/** Cut to a number of columns, with a mark where something is missing; wide glyphs count as the two columns that they take. */
export function clip(text: string, columns: number): string {
  return cliTruncate(text, Math.max(1, columns));
}
