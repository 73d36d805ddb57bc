/** The shape of the tables of meanings, and how two values are compared by one. */
import { canonicalJson } from "../model/digest.ts";
import type { ChangeClass } from "../model/drift.ts";
import type { Compare, Direction } from "./direction.ts";
import { NONE, type Show } from "./show.ts";

/** What one field means: its words, which way a change of it goes, how its values are read. */
export interface Meaning {
  /** Where the value stands in the model, dotted. A last step `*` stands for each key of an object. */
  readonly at: string;
  /** As the file spells it; `*` likewise. */
  readonly field: string;
  /** As people say it. */
  readonly words: string;
  readonly compare: Compare;
  readonly show: Show;
  /** Of a list: what tells one item from another. Then each item that came, went or changed is a change of its own. */
  readonly keyOf?: (item: never) => string;
  /** What it asks of a living instance; absent: of none, or its kind has no such classes. */
  readonly class?: ChangeClass;
}

export interface FieldChange {
  /** As the file spells it, below `spec`. */
  readonly field: string;
  readonly words: string;
  readonly before: string;
  readonly after: string;
  readonly direction: Direction;
  readonly class?: ChangeClass;
}

/** Every field of the table in which two values differ, in the order of the table. */
export function differences(before: object, after: object, meanings: readonly Meaning[]): FieldChange[] {
  return meanings.flatMap((meaning) => {
    const steps = meaning.at.split(".");
    if (steps.at(-1) === "*") return ofEachKey(meaning, { before, after, path: steps.slice(0, -1) });
    const [from, to] = [valueAt(before, steps), valueAt(after, steps)];
    if (same(from, to)) return [];
    return meaning.keyOf === undefined ? [one(meaning, from, to)] : ofEachItem(meaning, from, to);
  });
}

/** Fields of an object that no row of a table stands for: a test holds that there are none. */
export function withoutMeaning(value: object, meanings: readonly Meaning[]): readonly string[] {
  const known = meanings.map(({ at }) => at);
  const walk = (part: unknown, path: string): string[] => {
    if (known.includes(path) || known.includes(`${path}.*`)) return [];
    if (!isObject(part) || !known.some((at) => at.startsWith(`${path}.`))) return [path];
    return Object.entries(part).flatMap(([key, inner]) => walk(inner, `${path}.${key}`));
  };
  return Object.entries(value).flatMap(([key, part]) => walk(part, key));
}

function ofEachKey(
  meaning: Meaning,
  {
    before,
    after,
    path,
  }: { readonly before: object; readonly after: object; readonly path: readonly string[] },
): FieldChange[] {
  const [from, to] = [objectAt(before, path), objectAt(after, path)];
  const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])].sort();
  return keys.flatMap((key) => (same(from[key], to[key]) ? [] : [named(meaning, key, from[key], to[key])]));
}

function ofEachItem(meaning: Meaning, before: unknown, after: unknown): FieldChange[] {
  const keyOf = meaning.keyOf as ((item: unknown) => string) | undefined;
  const keyed = (value: unknown): ReadonlyMap<string, unknown> =>
    new Map((Array.isArray(value) ? value : []).map((item) => [keyOf?.(item) ?? "", item]));
  const [from, to] = [keyed(before), keyed(after)];
  const changes = [...new Set([...from.keys(), ...to.keys()])].flatMap((key) =>
    same(from.get(key), to.get(key)) ? [] : [named(meaning, key, from.get(key), to.get(key))],
  );
  // The same items in another order.
  return changes.length > 0
    ? changes
    : [{ ...one(meaning, before, after), before: "in another order", after: "in this order" }];
}

function one(meaning: Meaning, from: unknown, to: unknown): FieldChange {
  const { field, words, compare, show } = meaning;
  return {
    field,
    words,
    before: show(from),
    after: show(to),
    direction: compare(from, to),
    ...classOf(meaning),
  };
}

/** One of several things under the same field: it is shown where it is there, and nothing is asked of one that is not. */
function named(meaning: Meaning, key: string, from: unknown, to: unknown): FieldChange {
  const { field, words, compare, show } = meaning;
  const shown = (value: unknown): string => (value === undefined ? NONE : show(value));
  return {
    field: field.endsWith("*") ? field.slice(0, -1) + key : `${field}.${key}`,
    words: `${words} ${key}`,
    before: shown(from),
    after: shown(to),
    direction: compare(from, to),
    ...classOf(meaning),
  };
}

function classOf(meaning: Meaning): Pick<FieldChange, "class"> {
  return meaning.class === undefined ? {} : { class: meaning.class };
}

function same(from: unknown, to: unknown): boolean {
  return canonicalJson(from ?? null) === canonicalJson(to ?? null);
}

function valueAt(value: unknown, steps: readonly string[]): unknown {
  return steps.reduce<unknown>((part, step) => (isObject(part) ? part[step] : undefined), value);
}

function objectAt(value: object, steps: readonly string[]): Readonly<Record<string, unknown>> {
  const found = valueAt(value, steps);
  return isObject(found) ? found : {};
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
