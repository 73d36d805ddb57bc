/** The lines in which two texts differ, with a little of what stands around them, within limits. */
import { plainLine } from "../model/plain-text.ts";
import type { DiffLine, TextDiff } from "./explanation.ts";

/** Lines that are kept of one difference. */
export const DIFF_LINES_MAX = 60;
const LINE_CHARS_MAX = 240;
/** Unchanged lines that are shown before and after a change. */
const AROUND = 2;
/** Of the table that finds what two texts share; beyond, everything between the first and the last change counts as changed. */
const CELLS_MAX = 1_000_000;

export function diffOf(before: string, after: string): TextDiff {
  const all = aroundChanges(allLines(linesOf(before), linesOf(after)));
  const lines = all.slice(0, DIFF_LINES_MAX).map(({ sign, text }) => ({ sign, text: shown(text) }));
  return { lines, omitted: all.slice(DIFF_LINES_MAX).filter(({ sign }) => sign !== " ").length };
}

function linesOf(text: string): readonly string[] {
  if (text === "") return [];
  return text.replace(/\n$/, "").split("\n");
}

/** What is at the beginning of a line has a meaning, and what is not seen must not have one. */
function shown(text: string): string {
  const indent = /^[ \t]*/.exec(text)?.[0].replaceAll("\t", "  ") ?? "";
  const line = indent + plainLine(text);
  return line.length > LINE_CHARS_MAX ? `${line.slice(0, LINE_CHARS_MAX - 1)}…` : line;
}

function allLines(before: readonly string[], after: readonly string[]): DiffLine[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let end = 0;
  while (
    end < before.length - start &&
    end < after.length - start &&
    before[before.length - 1 - end] === after[after.length - 1 - end]
  )
    end += 1;
  return [
    ...before.slice(0, start).map(kept),
    ...between(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...before.slice(before.length - end).map(kept),
  ];
}

/** By the longest sequence of lines that both share. */
function between(before: readonly string[], after: readonly string[]): DiffLine[] {
  if (before.length * after.length > CELLS_MAX) return [...before.map(removed), ...after.map(added)];
  const width = after.length + 1;
  const shared = new Uint32Array((before.length + 1) * width);
  const at = (row: number, column: number): number => shared[row * width + column] ?? 0;
  for (let row = before.length - 1; row >= 0; row -= 1)
    for (let column = after.length - 1; column >= 0; column -= 1)
      shared[row * width + column] =
        before[row] === after[column]
          ? at(row + 1, column + 1) + 1
          : Math.max(at(row + 1, column), at(row, column + 1));
  const lines: DiffLine[] = [];
  let [row, column] = [0, 0];
  while (row < before.length || column < after.length) {
    const [old, now] = [before[row], after[column]];
    if (old !== undefined && old === now) {
      lines.push(kept(old));
      row += 1;
      column += 1;
    } else if (old !== undefined && (now === undefined || at(row + 1, column) >= at(row, column + 1))) {
      lines.push(removed(old));
      row += 1;
    } else if (now !== undefined) {
      lines.push(added(now));
      column += 1;
    }
  }
  return lines;
}

/** Unchanged lines far from every change are left out. */
function aroundChanges(lines: readonly DiffLine[]): readonly DiffLine[] {
  const near = new Set<number>();
  for (const [index, { sign }] of lines.entries())
    if (sign !== " ") for (let at = index - AROUND; at <= index + AROUND; at += 1) near.add(at);
  return lines.filter((_, index) => near.has(index));
}

const kept = (text: string): DiffLine => ({ sign: " ", text });
const removed = (text: string): DiffLine => ({ sign: "-", text });
const added = (text: string): DiffLine => ({ sign: "+", text });
