/**
 * Many records that look alike, in few files: one line each, of which the first says everything and the others what is different
 * in them (`delta.ts`). A file says how many lines it has, so that one that was cut is noticed.
 *
 *     {"format":2,"lines":3}
 *     {"id":"scribe","value":{…}}
 *     {"id":"tester","change":{…}}
 *     {"id":"writer","change":{…}}
 */
import { FactoryError } from "../model/error.ts";
import { type Change, changeBetween, withChange } from "./delta.ts";

export const LINE_FILE_FORMAT = 2;

export interface Line {
  readonly id: string;
  /** A value of JSON. */
  readonly value: unknown;
}

export function firstLine({ id, value }: Line): string {
  return JSON.stringify({ id, value });
}

/** `first`: the value of the file's first line. A change that is null: both say the same. */
export function laterLine({ id, value }: Line, first: unknown): string {
  return JSON.stringify({ id, change: changeBetween(first, value) });
}

export function lineFile(lines: readonly string[]): string {
  return `${[JSON.stringify({ format: LINE_FILE_FORMAT, lines: lines.length }), ...lines].join("\n")}\n`;
}

/** Ids of a file's lines, without reading what is in them; none of a text that is something else. */
export function lineIds(text: string): readonly string[] {
  return [...text.matchAll(/^\{"id":("(?:[^"\\]|\\.)*"),/gm)].map(
    ([, id]) => JSON.parse(id ?? '""') as string,
  );
}

/** Rejects `record/unreadable` for a text that this program did not write, or that was cut or mended since. */
export function readLines(path: string, text: string): readonly Line[] {
  const [header, first, ...later] = text.replace(/\n$/, "").split("\n");
  const { format, lines: count } = parse(path, 1, header ?? "");
  if (format !== LINE_FILE_FORMAT)
    throw unreadable(path, `its format is ${String(format)}, not ${LINE_FILE_FORMAT}`);
  const found = first === undefined ? 0 : 1 + later.length;
  if (count !== found)
    throw unreadable(path, `it has ${found} lines of the ${String(count)} that were written`);
  if (first === undefined) return [];
  const lines: Line[] = [{ id: idOf(path, 2, parse(path, 2, first)), value: valueIn(path, first) }];
  for (const [index, line] of later.entries()) {
    const entry = parse(path, index + 3, line);
    const id = idOf(path, index + 3, entry);
    try {
      // The first value is used up by each change, so it is read anew.
      const value = valueIn(path, first);
      const { change } = entry;
      lines.push({ id, value: change === null ? value : withChange(value, change as Change) });
    } catch (error) {
      if (error instanceof FactoryError) throw error;
      throw unreadable(path, `line ${index + 3} was not made for the first one`);
    }
  }
  return lines;
}

function valueIn(path: string, line: string): unknown {
  const entry = parse(path, 2, line);
  if (!("value" in entry)) throw unreadable(path, "its first line holds no value");
  return entry["value"];
}

function idOf(path: string, number: number, { id }: Record<string, unknown>): string {
  if (typeof id !== "string") throw unreadable(path, `line ${number} has no id`);
  return id;
}

function parse(path: string, number: number, line: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw unreadable(path, `line ${number} is not JSON`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw unreadable(path, `line ${number} is not an object`);
  return value as Record<string, unknown>;
}

function unreadable(path: string, why: string): FactoryError {
  return new FactoryError(
    "record/unreadable",
    "stall",
    `${path} on the status branch cannot be used: ${why}`,
  );
}
