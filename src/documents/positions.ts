export type PathStep = string | number;

export interface Position {
  /** 1-based. */
  readonly line: number;
  /** 1-based, in UTF-16 units as editors count. */
  readonly column: number;
}

/**
 * Where each field of a document stands. It is all that is kept of the syntax
 * tree, so ten thousand documents stay small: names are shared and the numbers are packed.
 */
export class Positions {
  readonly #paths: string[] = [];
  readonly #numbers: number[] = [];

  add(path: string, key: Position, value: Position): void {
    this.#paths.push(intern(path));
    this.#numbers.push(key.line, key.column, value.line, value.column);
  }

  /** Of the value, or of the nearest part of the document that contains it. */
  value(path: readonly PathStep[]): Position | null {
    return this.#find(path, 2);
  }

  /** Of the key that introduces it, or of the nearest part of the document that contains it. */
  key(path: readonly PathStep[]): Position | null {
    return this.#find(path, 0);
  }

  /** Whether the document itself says this, as opposed to a default. */
  has(path: readonly PathStep[]): boolean {
    return this.#paths.includes(dotted(path));
  }

  /** A linear search: documents are small and seldom asked, an index for each of thousands would cost more. */
  #find(path: readonly PathStep[], offset: 0 | 2): Position | null {
    for (let length = path.length; length >= 0; length--) {
      const at = this.#paths.indexOf(dotted(path.slice(0, length)));
      if (at === -1) continue;
      // An ancestor is shown by its key: that is the line to which something is to be added.
      const start = at * 4 + (length === path.length ? offset : 0);
      return { line: this.#numbers[start] ?? 1, column: this.#numbers[start + 1] ?? 1 };
    }
    return null;
  }
}

/** `spec.success_criteria[0].id`; the empty text is the whole document. */
export function dotted(path: readonly PathStep[]): string {
  let text = "";
  for (const step of path) text = extend(text, step);
  return text;
}

export function extend(path: string, step: PathStep): string {
  if (typeof step === "number") return `${path}[${step}]`;
  if (!/^[A-Za-z_][A-Za-z0-9_-]*$/.test(step)) return `${path}[${JSON.stringify(step)}]`;
  return path === "" ? step : `${path}.${step}`;
}

// Enough for every field name that honest documents share; a hostile one cannot fill the memory.
const INTERNED_MAX = 20_000;
const interned = new Map<string, string>();

function intern(path: string): string {
  const known = interned.get(path);
  if (known !== undefined) return known;
  if (interned.size < INTERNED_MAX) interned.set(path, path);
  return path;
}
