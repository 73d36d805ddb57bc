import type { z } from "zod";
import type { PathStep } from "../positions.ts";

/** The little of a zod schema's inside that naming a field needs. */
interface Definition {
  readonly type: string;
  readonly innerType?: z.ZodType;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly element?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  readonly valueType?: z.ZodType;
}

/** The fields that may stand at this place of a document; empty where it is no object. */
export function fieldsAt(schema: z.ZodType, path: readonly PathStep[]): string[] {
  let current: z.ZodType | undefined = schema;
  for (const step of path) current = current === undefined ? undefined : stepInto(current, step);
  return current === undefined ? [] : Object.keys(shapeOf(current));
}

/**
 * Every field that may be written, as a dotted path: `[]` is any item of a list, `*` any key of a map. Only what has no
 * fields of its own: `spec.budget.max_cost_usd`, `spec.secrets[].from.env`.
 */
export function fieldPaths(schema: z.ZodType): readonly string[] {
  const paths = new Set<string>();
  collectPaths(schema, "", paths);
  return [...paths];
}

function collectPaths(schema: z.ZodType, path: string, paths: Set<string>): void {
  const { type, innerType, options, shape, element, valueType } = definitionOf(schema);
  const within = innerType ?? (type === "record" && isMap(valueType) ? valueType : undefined);
  if (innerType !== undefined) collectPaths(innerType, path, paths);
  else if (options !== undefined) for (const option of options) collectPaths(option, path, paths);
  else if (shape !== undefined)
    for (const [name, inner] of Object.entries(shape))
      collectPaths(inner, path === "" ? name : `${path}.${name}`, paths);
  else if (element !== undefined) collectPaths(element, `${path}[]`, paths);
  else if (within !== undefined) collectPaths(within, `${path}.*`, paths);
  else paths.add(path);
}

/** Values with fields of their own: then those are the fields, and the map is none. */
function isMap(schema: z.ZodType | undefined): boolean {
  return schema !== undefined && Object.keys(shapeOf(schema)).length > 0;
}

/** Where in the document a field of this name would be right, e.g. `spec.budget`; null when nowhere or in several places. */
export function homeOf(schema: z.ZodType, field: string): string | null {
  const homes = homesOf(schema);
  const found = homes.get(field) ?? [];
  return found.length === 1 ? (found[0] ?? null) : null;
}

const HOMES = new WeakMap<z.ZodType, Map<string, string[]>>();

function homesOf(schema: z.ZodType): Map<string, string[]> {
  const known = HOMES.get(schema);
  if (known !== undefined) return known;
  const homes = new Map<string, string[]>();
  collect(schema, "", homes);
  HOMES.set(schema, homes);
  return homes;
}

function collect(schema: z.ZodType, path: string, homes: Map<string, string[]>): void {
  const { element } = definitionOf(bare(schema));
  if (element !== undefined) collect(element, `${path}[]`, homes);
  for (const [name, inner] of Object.entries(shapeOf(schema))) {
    homes.set(name, [...(homes.get(name) ?? []), path]);
    collect(inner, path === "" ? name : `${path}.${name}`, homes);
  }
}

function stepInto(schema: z.ZodType, step: PathStep): z.ZodType | undefined {
  return typeof step === "number" ? definitionOf(bare(schema)).element : shapeOf(schema)[step];
}

function shapeOf(schema: z.ZodType): Readonly<Record<string, z.ZodType>> {
  return definitionOf(bare(schema)).shape ?? {};
}

/** Without optional, default and the like; of several forms the one that has fields. */
function bare(schema: z.ZodType): z.ZodType {
  const { innerType, options } = definitionOf(schema);
  if (innerType !== undefined) return bare(innerType);
  const withFields = options?.find((option) => definitionOf(bare(option)).shape !== undefined);
  return withFields === undefined ? schema : bare(withFields);
}

function definitionOf(schema: z.ZodType): Definition {
  return schema.def as unknown as Definition;
}
