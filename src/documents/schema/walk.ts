import type { z } from "zod";
import type { PathStep } from "../positions.ts";

/** The little of a zod schema's inside that naming a field needs. */
interface Definition {
  readonly type: string;
  readonly innerType?: z.ZodType;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly element?: z.ZodType;
  readonly options?: readonly z.ZodType[];
}

/** The fields that may stand at this place of a document; empty where it is no object. */
export function fieldsAt(schema: z.ZodType, path: readonly PathStep[]): string[] {
  let current: z.ZodType | undefined = schema;
  for (const step of path) current = current === undefined ? undefined : stepInto(current, step);
  return current === undefined ? [] : Object.keys(shapeOf(current));
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
