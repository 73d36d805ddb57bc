import { z } from "zod";

/** Shapes that `openapi.json` calls by name, each under a name of its own. */
export const NAMED_SHAPES = z.registry<{ id: string }>();

export function named<Schema extends z.ZodType>(id: string, schema: Schema): Schema {
  NAMED_SHAPES.add(schema, { id });
  return schema;
}
