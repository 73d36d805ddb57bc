import { z } from "zod";
import { AS_WRITTEN, type JsonSchema, type Written } from "./casing.ts";

/** What a schema lets in, as JSON Schema; the same object whenever it is asked for again. */
export function jsonSchemaOf(schema: z.core.$ZodType): JsonSchema & z.core.JSONSchema.BaseSchema {
  const before = known.get(schema);
  if (before !== undefined) return before;
  const { $schema: _, ...made } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  known.set(schema, made);
  return made;
}

const known = new WeakMap<z.core.$ZodType, JsonSchema & z.core.JSONSchema.BaseSchema>();

/**
 * For documents and parts of them, whose field names are one vocabulary from the file to the wire
 * (`max_cost_usd`), and for the payload of recorded events, over which hashes are taken.
 */
export function asWritten<Schema extends z.ZodType>(
  schema: Schema,
): z.ZodType<Written<z.output<Schema>>, Written<z.input<Schema>>> {
  return schema.meta({ ...schema.meta(), [AS_WRITTEN]: true }) as unknown as z.ZodType<
    Written<z.output<Schema>>,
    Written<z.input<Schema>>
  >;
}
