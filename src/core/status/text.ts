import { hasUnseen, plainLine, plainLines } from "../model/plain-text.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../model/time.ts";

/** `840 ms`, `12.3 s`, `4 min 10 s`, `3 h 5 min`. */
export function duration(ms: number): string {
  if (ms < SECOND_MS) return `${Math.round(ms)} ms`;
  if (ms < MINUTE_MS) return `${(ms / SECOND_MS).toFixed(1)} s`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min ${Math.floor((ms % MINUTE_MS) / SECOND_MS)} s`;
  return `${Math.floor(ms / HOUR_MS)} h ${Math.floor((ms % HOUR_MS) / MINUTE_MS)} min`;
}

const CELL_MAX = 400;
/** White space that is not one space between two words, or markup. Most texts have neither. */
const UNSAFE = /[^\S ]| {2}|^ | $|[\\`*_{}[\]<>|#@]/;

/** Text that somebody else wrote, safe inside of a Markdown table or list: one line, no markup of its own. */
export function cell(text: string): string {
  if (text.length <= CELL_MAX && !UNSAFE.test(text) && !hasUnseen(text)) return text;
  const line = plainLine(text);
  const short = line.length > CELL_MAX ? `${line.slice(0, CELL_MAX - 1)}…` : line;
  return short.replace(/[\\`*_{}[\]<>|#@]/g, (char) => `\\${char}`);
}

/** A name that somebody else chose, as a code span: one line, and nothing in it ends the span. */
export function code(text: string): string {
  return `\`${plainLine(text).replaceAll("`", "'")}\``;
}

/** A Markdown page: whatever stands in it, nothing steers the terminal in which it is read. */
export function page(lines: readonly string[]): string {
  return plainLines(lines.join("\n"));
}
