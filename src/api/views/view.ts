import type { z } from "zod";
import type { Program } from "../casing.ts";
import { named } from "../named.ts";
import type { Frozen } from "../wire.ts";

/**
 * The schema of a view that the core makes: `viewOf<FleetView>()("FleetView", z.object({ … }))`. It compiles only where
 * the schema, with its names in camelCase, and the core's type are one and the same, field by field.
 */
export function viewOf<View>() {
  return <Schema extends z.ZodType>(
    id: string,
    schema: Schema &
      (Same<Program<z.output<Schema>>, Frozen<View>> extends true ? unknown : Differs<Schema, View>),
  ): Schema => named(id, schema);
}

/** Identical, with optional fields told from required ones and from absent ones. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

interface Differs<Schema extends z.ZodType, View> {
  readonly differs: { readonly schema: Program<z.output<Schema>>; readonly core: Frozen<View> };
}
