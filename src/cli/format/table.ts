import stringWidth from "string-width";
import { clip } from "../io.ts";

export interface Column {
  readonly title: string;
  /** Takes what is left of the line, and is cut first. */
  readonly grows?: boolean;
  readonly right?: boolean;
}

const GAP = "  ";
/** A growing column is never cut below this; rather the line gets too long. */
const GROWS_MIN = 8;

/**
 * Rows under titles, fitted to a width. Cells may be painted: paint is put on
 * after the text was cut, by `paint`.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  options: { readonly width: number; readonly paint?: (text: string, row: number, column: number) => string },
): string {
  const widths = columns.map((column, index) =>
    Math.max(stringWidth(column.title), ...rows.map((row) => stringWidth(row[index] ?? ""))),
  );
  squeeze(columns, widths, options.width);
  const paint = options.paint ?? ((text) => text);
  const line = (cells: readonly string[], row: number): string =>
    columns
      .map((column, index) => {
        const width = widths[index] ?? 0;
        const text = clip(cells[index] ?? "", width);
        const fill = " ".repeat(Math.max(0, width - stringWidth(text)));
        const painted = row < 0 ? text : paint(text, row, index);
        if (column.right === true) return fill + painted;
        return index === columns.length - 1 ? painted : painted + fill;
      })
      .join(GAP)
      .trimEnd();
  const head = line(
    columns.map((column) => column.title),
    -1,
  );
  return [head, ...rows.map((cells, row) => line(cells, row))].join("\n");
}

/** Takes what is too much from the growing columns first, then from the widest. */
function squeeze(columns: readonly Column[], widths: number[], width: number): void {
  const total = (): number => widths.reduce((sum, one) => sum + one, 0) + GAP.length * (columns.length - 1);
  for (const [index, column] of columns.entries()) {
    if (column.grows !== true) continue;
    const excess = total() - width;
    if (excess > 0) widths[index] = Math.max(GROWS_MIN, (widths[index] ?? 0) - excess);
  }
  while (total() > width) {
    const widest = Math.max(...widths);
    if (widest <= GROWS_MIN) return;
    widths[widths.indexOf(widest)] = widest - 1;
  }
}
