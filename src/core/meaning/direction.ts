/** Which way a changed value goes: what a comparison of two values of one field means, whatever the field. */
import { canonicalJson } from "../model/digest.ts";

/**
 * `loosened`: more may happen, for longer, at a higher price, or seen by fewer. `tightened`: the opposite. `changed`:
 * neither can be said, and a person has to read it.
 */
export type Direction = "loosened" | "tightened" | "changed";

/** Is asked about values that differ; a value that is not there is undefined, and null where the model says so. */
export type Compare = (before: unknown, after: unknown) => Direction;

export const changed: Compare = () => "changed";

/** A number that allows more the higher it is; one that is not there is no limit. */
export const higherIsLooser: Compare = (before, after) => {
  const [from, to] = [limitOf(before), limitOf(after)];
  return to > from ? "loosened" : to < from ? "tightened" : "changed";
};

/** A number that asks for more the higher it is; one that is not there asks for nothing. */
export const higherIsTighter: Compare = (before, after) => {
  const [from, to] = [askedOf(before), askedOf(after)];
  return to > from ? "tightened" : to < from ? "loosened" : "changed";
};

/** A word that allows something while it is said. */
export const yesIsLooser: Compare = (_, after) => (after === true ? "loosened" : "tightened");
export const yesIsTighter: Compare = (_, after) => (after === true ? "tightened" : "loosened");

/** Words in the order of what they allow, the strictest first; one that is not among them is changed. */
export function inOrder(...words: readonly string[]): Compare {
  return (before, after) => {
    const [from, to] = [words.indexOf(String(before)), words.indexOf(String(after))];
    if (from < 0 || to < 0 || from === to) return "changed";
    return to > from ? "loosened" : "tightened";
  };
}

/** A list of what is allowed. `emptyIsAll`: a list without items allows everything. */
export function listOfAllowed({ emptyIsAll = false } = {}): Compare {
  return (before, after) => {
    const [from, to] = [listOf(before), listOf(after)];
    if (emptyIsAll && to.length === 0) return "loosened";
    if (emptyIsAll && from.length === 0) return "tightened";
    return byMembers(from, to, "loosened");
  };
}

/** A list of what is forbidden or asked for: more of it is tighter. */
export const listOfDemands: Compare = (before, after) =>
  byMembers(listOf(before), listOf(after), "tightened");

/** Something that demands by being there; what it says may be anything. */
export const thereIsTighter: Compare = (before, after) =>
  isThere(before) === isThere(after) ? "changed" : isThere(after) ? "tightened" : "loosened";

/** Something that allows by being there. */
export const thereIsLooser: Compare = (before, after) =>
  isThere(before) === isThere(after) ? "changed" : isThere(after) ? "loosened" : "tightened";

/** What several parts of one thing come to: one way only where all of them agree. */
export function together(parts: readonly Direction[]): Direction {
  const [first = "changed"] = parts;
  return parts.every((part) => part === first) ? first : "changed";
}

function byMembers(from: readonly string[], to: readonly string[], more: Direction): Direction {
  const added = to.some((item) => !from.includes(item));
  const removed = from.some((item) => !to.includes(item));
  if (added === removed) return "changed";
  if (added) return more;
  return more === "loosened" ? "tightened" : "loosened";
}

function isThere(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false;
}

function limitOf(value: unknown): number {
  return typeof value === "number" ? value : Number.POSITIVE_INFINITY;
}

function askedOf(value: unknown): number {
  return typeof value === "number" ? value : Number.NEGATIVE_INFINITY;
}

function listOf(value: unknown): readonly string[] {
  return Array.isArray(value)
    ? value.map((item) => (typeof item === "string" ? item : canonicalJson(item)))
    : [];
}
