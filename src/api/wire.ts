import type { z } from "zod";

/** What a schema lets through, as a type that nothing may change afterwards. */
export type Wire<Schema extends z.ZodType> = Frozen<z.output<Schema>>;

/** `readonly` all the way down, lists and tuples as well; `unknown` stays what it is. */
export type Frozen<T> = T extends object ? { readonly [Key in keyof T]: Frozen<T[Key]> } : T;
