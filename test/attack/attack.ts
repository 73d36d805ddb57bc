/** What an attack is: data about it, and how it is played. */
import type { Field } from "./field.ts";

/** What contains agents: everything that there is, namespaces without bubblewrap, or nothing but a process group. */
export const LEVELS = ["shut", "bare", "group"] as const;
export type Level = (typeof LEVELS)[number];

/**
 * `held`: it got nothing. `unproven`: it got something, or the machine could not play it, and the program itself says so.
 * `broken`: it got something, and whoever looks is told that all is well.
 */
export type Verdict = "held" | "unproven" | "broken";

export interface Finding {
  readonly verdict: Verdict;
  /** In a few words; of an attack at several levels a cell of a table. */
  readonly got: string;
  /** Where a person sees it: what the record, a command or a log says. */
  readonly noticed: string;
}

export interface Attack {
  readonly name: string;
  /** Of the list of what once did not hold; `kept` for what always did. */
  readonly item: string;
  /** How it is played, as one line of a table. */
  readonly how: string;
  /** What would be a success. */
  readonly success: string;
  /** What stands in its way. */
  readonly holds: string;
  /** Where it is tried; `shut` alone where nothing is said. */
  readonly levels?: readonly Level[];
  /** Takes longer than the rest of them, or is a test of its own as well: not played with `--quick`. */
  readonly slow?: boolean;
  play(field: Field, level: Level): Promise<Finding>;
}

export interface Played extends Finding {
  readonly attack: string;
  readonly item: string;
  readonly level: Level;
  readonly user: "root" | "ordinary";
  readonly ms: number;
}

export const held = (got: string, noticed: string): Finding => ({ verdict: "held", got, noticed });
export const broken = (got: string, noticed: string): Finding => ({ verdict: "broken", got, noticed });
export const unproven = (got: string, noticed: string): Finding => ({ verdict: "unproven", got, noticed });
