/**
 * The one translation between the wire, which is snake_case, and the program, which is camelCase. It follows the JSON
 * Schema of what is translated: the names of declared fields change, the keys of a record are data and stay, and so does
 * what is kept as written. It loads no package, so that a command line that only asks starts at once.
 */
import type { Frozen } from "./wire.ts";

/** A value of the wire as the program has it: `mission_id` is `missionId`, all the way down. */
export type Program<T> =
  T extends Written<infer Kept>
    ? Frozen<Kept>
    : T extends readonly (infer Item)[]
      ? readonly Program<Item>[]
      : T extends object
        ? string extends keyof T
          ? { readonly [Key in keyof T]: Program<T[Key]> }
          : { readonly [Key in keyof T as Camel<Key>]: Program<T[Key]> }
        : T;

type Camel<Key> = Key extends `${infer First}_${infer Rest}`
  ? `${First}${Capitalize<Camel<Rest> & string>}`
  : Key;

declare const WRITTEN: unique symbol;
/** A value that reads the same on the wire, in the program and in the files that people write. */
export interface Written<T> {
  readonly [WRITTEN]: T;
}

/** In a JSON Schema, marks what is kept as written. */
export const AS_WRITTEN = "x-as-written";

/** As much of a JSON Schema as the translation follows. */
export interface JsonSchema {
  readonly $ref?: string | undefined;
  readonly properties?: Readonly<Record<string, unknown>> | undefined;
  readonly additionalProperties?: unknown;
  readonly items?: unknown;
  readonly anyOf?: readonly unknown[] | undefined;
  readonly oneOf?: readonly unknown[] | undefined;
  readonly [AS_WRITTEN]?: unknown;
}

/** Schemas that `$ref` names, by the whole of its text. */
export type Definitions = Readonly<Record<string, JsonSchema>>;

/** A value of the wire, for the program. What the schema does not declare is passed on under its own name. */
export function toProgram(schema: JsonSchema, value: unknown, definitions: Definitions = {}): unknown {
  return translated(schema, value, { side: "program", definitions });
}

/** A value of the program, for the wire. What the schema does not declare is passed on under its own name. */
export function toWire(schema: JsonSchema, value: unknown, definitions: Definitions = {}): unknown {
  return translated(schema, value, { side: "wire", definitions });
}

interface Way {
  readonly side: "wire" | "program";
  readonly definitions: Definitions;
}

type Translate = (value: unknown) => unknown;

/** Per side, what was worked out for a schema; null: nothing in it changes. */
const known: Readonly<Record<Way["side"], WeakMap<JsonSchema, Translate | null>>> = {
  wire: new WeakMap(),
  program: new WeakMap(),
};

function translated(schema: JsonSchema, value: unknown, way: Way): unknown {
  const translate = translation(schema, way);
  return translate === null ? value : translate(value);
}

function translation(schema: unknown, way: Way): Translate | null {
  if (!isObject(schema) || schema[AS_WRITTEN] === true) return null;
  const before = known[way.side].get(schema);
  if (before !== undefined) return before;
  const made = translationOf(schema, way);
  known[way.side].set(schema, made);
  return made;
}

function translationOf(schema: JsonSchema, way: Way): Translate | null {
  if (schema.$ref !== undefined) {
    const meant = way.definitions[schema.$ref];
    if (meant === undefined) throw new Error(`the schema names ${schema.$ref}, which is not there`);
    return translation(meant, way);
  }
  const options = schema.anyOf ?? schema.oneOf;
  if (options !== undefined) return ofOptions(options, way);
  if (schema.items !== undefined) {
    const item = translation(schema.items, way);
    return item === null ? null : (value) => (Array.isArray(value) ? value.map(item) : value);
  }
  return ofObject(schema, way);
}

/** Of a union, one option at most may have names that change: a value does not say which option it is. */
function ofOptions(options: readonly unknown[], way: Way): Translate | null {
  const [only = null, second] = options.flatMap((option) => translation(option, way) ?? []);
  if (second !== undefined) throw new Error("two options of a union have fields whose names change");
  return only;
}

interface Field {
  readonly to: string;
  readonly translate: Translate | null;
}

function ofObject({ properties = {}, additionalProperties }: JsonSchema, way: Way): Translate | null {
  const fields = new Map<string, Field>();
  for (const [name, schema] of Object.entries(properties)) {
    const inside = camelCase(name);
    const translate = translation(schema, way);
    const [from, to] = way.side === "wire" ? [inside, name] : [name, inside];
    fields.set(from, { to, translate });
  }
  const rest = translation(additionalProperties, way);
  if (rest === null && [...fields].every(([from, { to, translate }]) => from === to && translate === null))
    return null;
  return (value) => {
    if (!isObject(value) || Array.isArray(value)) return value;
    const made: Record<string, unknown> = {};
    for (const [key, item] of Object.entries(value)) {
      const { to, translate } = fields.get(key) ?? { to: key, translate: rest };
      made[to] = translate === null ? item : translate(item);
    }
    return made;
  };
}

function camelCase(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function isObject(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null;
}
