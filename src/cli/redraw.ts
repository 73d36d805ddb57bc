import { clip, type Io } from "./io.ts";

/** A block of lines that is drawn over itself, on a terminal. */
export interface Redraw {
  draw(lines: readonly string[]): void;
  /** Takes the last picture away; the next output stands in its place. */
  clear(): void;
  /** Leaves the last picture where it is; the next output comes below it. */
  done(): void;
}

export function createRedraw(io: Io): Redraw {
  let drawn = 0;
  let last = "";
  return {
    draw(lines) {
      // What scrolled away cannot be drawn over, so the block stays within the screen.
      const shown = lines.slice(0, Math.max(1, (process.stdout.rows ?? 24) - 1));
      const text = shown.join("\n");
      if (text === last) return;
      const up = drawn === 0 ? "" : `\u001b[${drawn}A`;
      io.raw(`${up}\u001b[J${text}\n`);
      drawn = shown.length;
      last = text;
    },
    clear() {
      if (drawn > 0) io.raw(`\u001b[${drawn}A\u001b[J`);
      drawn = 0;
      last = "";
    },
    done() {
      drawn = 0;
      last = "";
    },
  };
}

/** Cut to the terminal: a line that wraps would be counted as one and drawn as two. */
export function fitLines(lines: readonly string[], width: number): string[] {
  return lines.map((line) => clip(line, width));
}
