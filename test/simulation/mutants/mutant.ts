import type { TroubleName } from "../swarm.ts";

/** One bug, planted by replacing text in a copy of the program. */
export interface Mutant {
  /** What the bug is, as somebody might have written it. */
  readonly bug: string;
  /** The invariant that must trip. */
  readonly invariant: string;
  /** Files below `src/`, or from `test/` on. */
  readonly edits: readonly { readonly file: string; readonly find: string; readonly replace: string }[];
  /** The faults that bring it out. */
  readonly troubles: readonly TroubleName[];
  readonly hours?: number;
}

/** Where a mutant's file lies below the root of the project. */
export function pathOf(file: string): string {
  return file.startsWith("test/") ? file : `src/${file}`;
}
