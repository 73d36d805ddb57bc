/**
 * The one translation between the wire, which is snake_case, and the program, which is camelCase. It follows the
 * schema: the names of declared fields change, the keys of a record are data and stay, and so does what is `asWritten`.
 */
import { z } from "zod";
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

const KEPT = new WeakSet<z.core.$ZodType>();

/**
 * For documents and parts of them, whose field names are one vocabulary from the file to the wire
 * (`max_cost_usd`), and for the payload of recorded events, over which hashes are taken.
 */
export function asWritten<Schema extends z.ZodType>(
  schema: Schema,
): z.ZodType<Written<z.output<Schema>>, Written<z.input<Schema>>> {
  KEPT.add(schema);
  return schema as unknown as z.ZodType<Written<z.output<Schema>>, Written<z.input<Schema>>>;
}

/** A validated value of the wire, for the program. */
export function toProgram<Value>(schema: z.ZodType<Value>, value: Value): Program<Value> {
  const translate = translation(schema, "program");
  return (translate === null ? value : translate(value)) as Program<Value>;
}

/** A value of the program, for the wire. What the schema does not declare is passed on under its own name. */
export function toWire(schema: z.ZodType, value: unknown): unknown {
  const translate = translation(schema, "wire");
  return translate === null ? value : translate(value);
}

type Side = "wire" | "program";
type Translate = (value: unknown) => unknown;

/** Per side, what was worked out for a schema; null: nothing in it changes. */
const known: Readonly<Record<Side, WeakMap<z.core.$ZodType, Translate | null>>> = {
  wire: new WeakMap(),
  program: new WeakMap(),
};

function translation(schema: z.core.$ZodType, side: Side): Translate | null {
  const before = known[side].get(schema);
  if (before !== undefined) return before;
  const made = KEPT.has(schema) ? null : translationOf(schema, side);
  known[side].set(schema, made);
  return made;
}

function translationOf(schema: z.core.$ZodType, side: Side): Translate | null {
  if (schema instanceof z.ZodObject) return ofObject(schema, side);
  if (schema instanceof z.ZodArray) {
    const item = translation(schema.element, side);
    return item === null ? null : (value) => (Array.isArray(value) ? value.map(item) : value);
  }
  if (schema instanceof z.ZodRecord) {
    const item = translation(schema.valueType, side);
    return item === null ? null : (value) => mapValues(value, item);
  }
  if (
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodExactOptional ||
    schema instanceof z.ZodDefault
  ) {
    const inner = translation(schema.unwrap(), side);
    return inner === null ? null : (value) => (isAbsent(value) ? value : inner(value));
  }
  if (schema instanceof z.ZodUnion && schema.options.some((option) => translation(option, side) !== null))
    throw new Error(
      "a union is carried only where the names of its options' fields are the same on both sides",
    );
  return null;
}

function ofObject(schema: z.ZodObject, side: Side): Translate | null {
  const fields = new Map<string, { readonly to: string; readonly translate: Translate | null }>();
  for (const [name, field] of Object.entries(schema.shape)) {
    const inside = camelCase(name);
    const translate = translation(field, side);
    if (side === "wire") fields.set(inside, { to: name, translate });
    else fields.set(name, { to: inside, translate });
  }
  if ([...fields].every(([from, { to, translate }]) => from === to && translate === null)) return null;
  return (value) => {
    if (typeof value !== "object" || value === null) return value;
    const translated: Record<string, unknown> = {};
    for (const [key, item] of Object.entries(value)) {
      const field = fields.get(key);
      if (field === undefined) translated[key] = item;
      else translated[field.to] = field.translate === null ? item : field.translate(item);
    }
    return translated;
  };
}

function mapValues(value: unknown, translate: Translate): unknown {
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, translate(item)]));
}

function isAbsent(value: unknown): boolean {
  return value === null || value === undefined;
}

function camelCase(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
